/** Rows of the gradient check: the reshaping operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const reshapingCases: readonly GradientCase[] = [];
