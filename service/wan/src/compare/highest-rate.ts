/**
 * The highest rate that is carried, by bisection between one that is and one that is not: the highest is tried first, then
 * the geometric mean of the bounds. Pure
 * but for the trials, which are given.
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

/** Tries rates until the highest that is carried is known. @returns what was tried, in its order */
export async function searchRates<T extends TriedRate>(
  range: RateRange,
  trial: (perSecond: number) => Promise<T>,
): Promise<readonly T[]> {
  const tried: T[] = [];
  for (let next = nextRate(tried, range); next !== null; next = nextRate(tried, range))
    tried.push(await trial(next));
  return tried;
}

/** Rates that a search tries at most: both ends, and the halvings between them. */
export function mostTrials({ least, most, within }: RateRange): number {
  return 2 + Math.max(0, Math.ceil(Math.log2(Math.log(most / least) / Math.log(within))));
}

/** Probes until two agree, so that one hiccup of the machine does not decide: three at most. */
export async function twoOfThree<T>(
  probe: () => Promise<T>,
  isGood: (figure: T) => boolean,
): Promise<{ readonly figures: readonly T[]; readonly isCarried: boolean }> {
  const figures: T[] = [];
  for (;;) {
    figures.push(await probe());
    const good = figures.filter(isGood).length;
    if (good >= 2 || figures.length - good >= 2) return { figures, isCarried: good >= 2 };
  }
}
