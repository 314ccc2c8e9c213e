/** Gradients of the pooling operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const poolingGradients: GradientTable = {};
