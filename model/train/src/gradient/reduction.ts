/** Gradients of the reduction operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const reductionGradients: GradientTable = {};
