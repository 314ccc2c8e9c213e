/** Rows of the gradient check: the elementwise operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const elementwiseCases: readonly GradientCase[] = [];
