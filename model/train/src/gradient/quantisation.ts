/** Gradients of the quantisation operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const quantisationGradients: GradientTable = {};
