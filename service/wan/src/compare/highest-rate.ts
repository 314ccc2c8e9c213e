/**
 * The highest rate that is carried, by bisection between one that is and one that is not: the highest is tried first, then
 * the geometric mean of the bounds. Pure: it is told what was tried, and says what to try next.
 */

export interface RateRange {
  /** Requests a second; both are tried themselves where it comes to that. */
  readonly least: number;
  readonly most: number;
  /** The search is over when the bounds are so close: 1.1 is ten per cent. */
  readonly within: number;
}

export interface TriedRate {
  readonly perSecond: number;
  readonly isCarried: boolean;
}

/** @returns the rate to try next; null: the search is over */
export function nextRate(tried: readonly TriedRate[], { least, most, within }: RateRange): number | null {
  const refused = tried.filter(({ isCarried }) => !isCarried).map(({ perSecond }) => perSecond);
  const carried = highestCarried(tried);
  if (refused.length === 0) return carried === null ? most : null;
  const high = Math.min(...refused);
  const low = carried ?? least;
  const middle = Math.round(Math.sqrt(low * high));
  if (high > low * within && middle > low && middle < high) return middle;
  return carried === null && high > least ? least : null;
}

/** Null: none of those that were tried. */
export function highestCarried(tried: readonly TriedRate[]): number | null {
  const carried = tried.filter(({ isCarried }) => isCarried).map(({ perSecond }) => perSecond);
  return carried.length === 0 ? null : Math.max(...carried);
}

/** Rates that a search tries at most: both ends, and the halvings between them. */
export function mostTrials({ least, most, within }: RateRange): number {
  return 2 + Math.max(0, Math.ceil(Math.log2(Math.log(most / least) / Math.log(within))));
}

/** Of repeated probes, what two of three say; null: that takes another. */
export function twoOfThree(votes: readonly boolean[]): boolean | null {
  for (const vote of [true, false]) if (votes.filter((each) => each === vote).length >= 2) return vote;
  return null;
}
