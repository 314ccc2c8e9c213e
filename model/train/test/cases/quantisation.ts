/** Rows of the gradient check: the quantisation operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const quantisationCases: readonly GradientCase[] = [];
