/** Gradients of the operators that only read the shape differently: the gradient takes the old shape back. */
import type { GradientTable } from "../gradient-rule.ts";
import { unary } from "./formula.ts";

const reshape = unary(({ emit, dy, x }) => emit.reshape(dy, emit.dims(x)));

export const reshapingGradients: GradientTable = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
};
