import { quantile } from "@cupel/base";
/**
 * A straight line through noisy figures that a few wild ones cannot bend, and how sure its slope is:
 * Theil and Sen's median of the slopes between all pairs, with Sen's interval from the ranks of those slopes.
 * P. K. Sen, Estimates of the Regression Coefficient Based on Kendall's Tau, JASA 63 (1968).
 *
 * Sen's interval supposes independent noise. What a process holds now depends on what it held before, so the
 * variance is widened by (1 + r) / (1 - r), with r the lag-one autocorrelation of what the line leaves over
 * (Yue and Wang, Water Resources Management 18, 2004); negative r is taken as none.
 */

export interface Trend {
  /** Change of y for 1 of x. */
  readonly slope: number;
  /** 95 % confidence interval of the slope. */
  readonly interval: readonly [low: number, high: number];
  readonly intercept: number;
  /** Mean square of what the line leaves over. */
  readonly residual: number;
}

/** Standard normal quantile at 0.975. */
const z = 1.959964;
/** Beyond this the effective number of points would fall below one in twenty. */
const maxCorrelation = 0.9;

/** `x` MUST be ascending and of the length of `y`, at least 2. Quadratic in that length: thin out first. */
export function trendOf(x: readonly number[], y: readonly number[]): Trend {
  const slopes: number[] = [];
  for (let j = 1; j < x.length; j++) {
    for (let i = 0; i < j; i++) slopes.push((y[j]! - y[i]!) / (x[j]! - x[i]!));
  }
  slopes.sort((a, b) => a - b);
  const slope = quantile(slopes, 0.5);
  const intercept = medianOf(y.map((value, i) => value - slope * x[i]!));
  const left = y.map((value, i) => value - intercept - slope * x[i]!);
  const correlation = Math.min(Math.max(lagOneCorrelation(left), 0), maxCorrelation);
  const spread = z * Math.sqrt(kendallVariance(y) * ((1 + correlation) / (1 - correlation)));
  const at = (rank: number) => slopes[Math.min(Math.max(rank, 0), slopes.length - 1)]!;
  return {
    slope,
    interval: [at(Math.floor((slopes.length - spread) / 2) - 1), at(Math.ceil((slopes.length + spread) / 2))],
    intercept,
    residual: mean(left.map((each) => each * each)),
  };
}

/** Variance of Kendall's S when there is no trend, corrected for equal values. */
function kendallVariance(y: readonly number[]): number {
  const term = (n: number) => n * (n - 1) * (2 * n + 5);
  const counts = new Map<number, number>();
  for (const value of y) counts.set(value, (counts.get(value) ?? 0) + 1);
  let ties = 0;
  for (const count of counts.values()) ties += term(count);
  return (term(y.length) - ties) / 18;
}

function lagOneCorrelation(values: readonly number[]): number {
  const centre = mean(values);
  let together = 0;
  let alone = 0;
  for (const [i, value] of values.entries()) {
    alone += (value - centre) ** 2;
    if (i > 0) together += (value - centre) * (values[i - 1]! - centre);
  }
  return alone === 0 ? 0 : together / alone;
}

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
