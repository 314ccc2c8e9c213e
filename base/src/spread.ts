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
