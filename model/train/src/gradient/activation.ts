/** Gradients of the activation operators. */
import type { GradientTable } from "../gradient-rule.ts";

export const activationGradients: GradientTable = {};
