/** Gradients of the reshaping operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const reshapingGradients: GradientTable = {};
