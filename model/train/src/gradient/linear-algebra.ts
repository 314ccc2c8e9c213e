/** Gradients of the linear-algebra operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const linearAlgebraGradients: GradientTable = {};
