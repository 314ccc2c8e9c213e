/** Gradients of the resizing operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const resizingGradients: GradientTable = {};
