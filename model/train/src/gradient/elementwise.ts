/** Gradients of the elementwise operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const elementwiseGradients: GradientTable = {};
