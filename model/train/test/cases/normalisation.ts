/** Rows of the gradient check: the normalisation operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const normalisationCases: readonly GradientCase[] = [];
