/** Rows of the gradient check: the linear-algebra operators. */
import type { GradientCase } from "../support/gradient-case.ts";

export const linearAlgebraCases: readonly GradientCase[] = [];
