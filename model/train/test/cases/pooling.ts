/** Rows of the gradient check: the pooling operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const poolingCases: readonly GradientCase[] = [];
