/** How two means of paired figures compare, with a 95 % interval: of times that depend on what is fed, a mean says more than a median. */
import type { MedianInterval } from "./spread.ts";

/** Quantile of the normal distribution that leaves 2.5 % above. */
const z = 1.959964;

/**
 * Mean of `over` divided by that of `under`, whose values belong together pair by pair. The interval is that of the
 * ratio estimator (Cochran, Sampling Techniques, 1977, section 6.3): the deviation of over - ratio * under. Both MUST
 * have the same length, two at least.
 */
export function meanRatio(over: readonly number[], under: readonly number[]): MedianInterval {
  const count = over.length;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / count;
  const below = mean(under);
  const value = mean(over) / below;
  const squares = over.reduce((sum, each, i) => sum + (each - value * under[i]!) ** 2, 0);
  const margin = (z * Math.sqrt(squares / (count * (count - 1)))) / below;
  return { value, low: value - margin, high: value + margin };
}
