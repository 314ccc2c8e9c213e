/** Gradients of the indexing operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const indexingGradients: GradientTable = {};
