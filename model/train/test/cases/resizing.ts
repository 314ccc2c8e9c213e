/** Rows of the gradient check: the resizing operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const resizingCases: readonly GradientCase[] = [];
