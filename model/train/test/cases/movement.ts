/** Rows of the gradient check: the movement operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const movementCases: readonly GradientCase[] = [];
