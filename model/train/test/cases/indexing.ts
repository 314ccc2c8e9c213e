/** Rows of the gradient check: the indexing operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const indexingCases: readonly GradientCase[] = [];
