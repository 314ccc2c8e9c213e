/**
 * A share of counted things, such as of images that are right, and how far to trust it: 12 of 12 is not the
 * same as 1,200 of 1,200.
 */
export interface Proportion {
  /** Of `of`, how many. */
  readonly count: number;
  readonly of: number;
  /** count / of; NaN of nothing. */
  readonly value: number;
  /** Its 95 % interval, in [0, 1]; all of it when nothing was counted. */
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of the normal distribution. */
const z = 1.959964;

/** With the score interval of Wilson (1927), which holds near 0 and 1 and for few, where p +- 2 s does not. */
export function proportion(count: number, of: number): Proportion {
  if (of === 0) return { count, of, value: Number.NaN, low: 0, high: 1 };
  const value = count / of;
  const centre = value + z ** 2 / (2 * of);
  const spread = z * Math.sqrt((value * (1 - value)) / of + z ** 2 / (4 * of ** 2));
  const scale = 1 + z ** 2 / of;
  // At the ends the interval is exactly 0 or 1, which rounding misses.
  const low = count === 0 ? 0 : (centre - spread) / scale;
  const high = count === of ? 1 : (centre + spread) / scale;
  return { count, of, value, low, high };
}
