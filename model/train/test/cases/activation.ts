/** Rows of the gradient check: the activation operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const activationCases: readonly GradientCase[] = [];
