/** Gradients of the movement operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const movementGradients: GradientTable = {};
