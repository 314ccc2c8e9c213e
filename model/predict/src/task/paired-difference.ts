/**
 * How much more often one model is right than another on the same images. Only those where exactly one is right
 * carry information about the difference (McNemar, 1947): with b lost and c gained of n,
 *
 *   difference = (c - b) / n,   variance = ((b + c) - (c - b)^2 / n) / n^2.
 */

/** Fractions, with the 95 % interval. */
export interface PairedDifference {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959964;

/** @param lost right before, wrong after. @param gained the other way round. @returns null of no image. */
export function pairedDifference(lost: number, gained: number, images: number): PairedDifference | null {
  if (images === 0) return null;
  const value = (gained - lost) / images;
  const deviation = Math.sqrt(Math.max(0, lost + gained - (gained - lost) ** 2 / images)) / images;
  return { value, low: value - z95 * deviation, high: value + z95 * deviation };
}
