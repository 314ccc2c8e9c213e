/**
 * From what was seen of an activation to the range that eight bits shall cover. One row a method.
 *
 * Covering everything wastes levels on rare peaks; clipping distorts the peaks. The methods differ in how
 * they weigh the two.
 */
import { entropyRange } from "./entropy-range.ts";
import type { Histogram } from "./histogram.ts";

export type Range = readonly [low: number, high: number];

/** What a method may look at. */
export interface Observation {
  readonly histogram: Histogram;
  /** Exponential moving average of each batch's own range, after Jacob et al. 2018. */
  readonly movingRange: Range;
}

export interface RangeOptions {
  /** Share of the values that must lie inside, for "percentile". Default 0.9999. */
  readonly percentile: number;
}

export const rangeMethods = {
  /** Everything seen. */
  "min-max": ({ histogram }: Observation): Range => [histogram.min, histogram.max],
  "moving-average": ({ movingRange }: Observation): Range => movingRange,
  percentile: ({ histogram }: Observation, options: RangeOptions): Range =>
    percentileRange(histogram, options.percentile),
  /** Least divergence between the distribution and its rounded form (Migacz, TensorRT, 2017). */
  entropy: ({ histogram }: Observation): Range => entropyRange(histogram),
  /** Least expected squared error of clipping plus rounding. */
  mse: ({ histogram }: Observation): Range => mseRange(histogram),
} as const;

export type RangeMethod = keyof typeof rangeMethods;

function percentileRange(histogram: Histogram, share: number): Range {
  const pair = histogram.min < 0 && histogram.max > 0 ? 2 : 1;
  const outside = (histogram.total * (1 - share)) / pair;
  const { counts } = histogram;
  let high = counts.length - 1;
  for (let sum = counts[high]!; sum <= outside && high > 0; ) sum += counts[--high]!;
  let low = 0;
  for (let sum = counts[low]!; sum <= outside && low < counts.length - 1; ) sum += counts[++low]!;
  return [
    histogram.min >= 0 ? 0 : Math.max(histogram.min, histogram.edge(low)),
    histogram.max <= 0 ? 0 : Math.min(histogram.max, histogram.edge(high + 1)),
  ];
}

const levels = 256;
const shrinkSteps = 100;

/**
 * Inside [low, high] rounding costs width^2 / 12 for each value that is not zero; outside, the squared
 * distance to the bound. Sums of 1, x and x^2 over the tail give each candidate's cost at once. Both
 * bounds are searched in turn, twice.
 */
function mseRange(histogram: Histogram): Range {
  const tails = tailSums(histogram);
  const lowest = Math.min(0, histogram.min);
  const highest = Math.max(0, histogram.max);
  let low = lowest;
  let high = highest;
  const cost = (from: number, to: number): number => {
    const width = (to - from) / (levels - 1);
    return tails.above(to) + tails.below(from) + ((width * width) / 12) * tails.nonZero;
  };
  for (let round = 0; round < 2; round++) {
    high = leastOf(highest, (candidate) => cost(low, candidate));
    low = leastOf(lowest, (candidate) => cost(candidate, high));
  }
  return [low, high];
}

/** The share of `bound`, in hundredths, at which `cost` is least. */
function leastOf(bound: number, cost: (candidate: number) => number): number {
  if (bound === 0) return 0;
  let best = bound;
  let bestCost = cost(bound);
  for (let step = 1; step < shrinkSteps; step++) {
    const candidate = bound * (1 - step / shrinkSteps);
    const candidateCost = cost(candidate);
    if (candidateCost < bestCost) {
      bestCost = candidateCost;
      best = candidate;
    }
  }
  return best;
}

/** Squared distance of everything beyond a bound, from running sums over bin centres. */
function tailSums(histogram: Histogram) {
  const { counts, binWidth } = histogram;
  const n = counts.length;
  // sums[i] is over bins below i.
  const mass = new Float64Array(n + 1);
  const first = new Float64Array(n + 1);
  const second = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    const x = histogram.edge(i) + binWidth / 2;
    mass[i + 1] = mass[i]! + counts[i]!;
    first[i + 1] = first[i]! + counts[i]! * x;
    second[i + 1] = second[i]! + counts[i]! * x * x;
  }
  const binOf = (x: number) => Math.min(n, Math.max(0, Math.round((x - histogram.edge(0)) / binWidth)));
  const squares = (from: number, to: number, x: number) =>
    second[to]! - second[from]! - 2 * x * (first[to]! - first[from]!) + x * x * (mass[to]! - mass[from]!);
  return {
    nonZero: mass[n]!,
    above: (x: number) => squares(binOf(x), n, x),
    below: (x: number) => squares(0, binOf(x), x),
  };
}
