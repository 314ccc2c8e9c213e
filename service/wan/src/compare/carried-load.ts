/**
 * Whether a load is carried: at least 99 % of what is asked is answered well before the deadline, and what is under way
 * grows by no more than a twentieth of what is asked meanwhile. The second since a queue that only grows meets no
 * deadline in a short run. Pure.
 */
import type { LoadFigures } from "../load/run-load.ts";

export const carriedLimits = { answered: 0.99, growth: 0.05 } as const;

export interface LoadVerdict {
  readonly isCarried: boolean;
  /** Share of what was asked that was answered well before the deadline. */
  readonly answered: number;
  /** From the first third of the run to the last, of what was asked meanwhile: 0.1, and a tenth of it piles up. */
  readonly growth: number;
}

export function judgeLoad({
  requests,
  outcomes,
  underWay,
}: Pick<LoadFigures, "requests" | "outcomes" | "underWay">): LoadVerdict {
  const [first, , last] = underWay;
  const answered = outcomes.ok / requests;
  // The middles of the thirds are two thirds of the run apart.
  const growth = (last - first) / ((2 / 3) * requests);
  return {
    isCarried: answered >= carriedLimits.answered && growth <= carriedLimits.growth,
    answered,
    growth,
  };
}
