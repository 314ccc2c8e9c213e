/** Gradients of the normalisation operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const normalisationGradients: GradientTable = {};
