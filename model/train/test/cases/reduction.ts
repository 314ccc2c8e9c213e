/** Rows of the gradient check: the reduction operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const reductionCases: readonly GradientCase[] = [];
