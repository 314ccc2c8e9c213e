/** Gradients of the convolution operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const convolutionGradients: GradientTable = {};
