/** Rows of the gradient check: the convolution operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const convolutionCases: readonly GradientCase[] = [];
