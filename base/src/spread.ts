/** Order statistics of measured figures: medians and percentiles, since noise on a computer only ever adds. */
export interface Spread {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
}

/**
 * The quantile at `fraction` (0 to 1), linear between neighbours: type 7 of Hyndman and Fan (1996), which
 * NumPy and R use by default. `sorted` MUST be ascending and not empty.
 */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return { p10: quantile(sorted, 0.1), median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

/** A median with its 95 % interval. */
export interface MedianInterval {
  readonly value: number;
  /** Minus infinity of fewer than six values, which give no such interval. */
  readonly low: number;
  readonly high: number;
}

/**
 * The interval is between two of the values, so that it holds for any distribution (Thompson, 1936): from the k-th
 * smallest to the k-th largest, with the largest k for which P(B < k) <= 2.5 %, B binomial of n and 1/2.
 * `values` MUST NOT be empty.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = Float64Array.from(values).sort();
  const k = outsideMedian(sorted.length);
  return {
    value: quantile(sorted, 0.5),
    low: k === 0 ? Number.NEGATIVE_INFINITY : sorted[k - 1]!,
    high: k === 0 ? Number.POSITIVE_INFINITY : sorted[sorted.length - k]!,
  };
}

function outsideMedian(count: number): number {
  // Beyond it a power of a half is no number any more, and the normal distribution is as good.
  if (count > 1000) return Math.floor(count / 2 - (1.959964 / 2) * Math.sqrt(count));
  let k = 0;
  let term = 0.5 ** count;
  for (let below = term; below <= 0.025; below += term) {
    k++;
    term *= (count - k + 1) / k;
  }
  return k;
}
