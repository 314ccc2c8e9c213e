/**
 * Two models on the same images. The images are the same, so only those where exactly one model is
 * right carry information about the difference (McNemar, 1947): with b lost and c gained of n,
 *
 *   difference = (c - b) / n,   variance = ((b + c) - (c - b)^2 / n) / n^2.
 */
import type { Evaluation } from "./evaluation.ts";

export interface EvaluationDifference {
  /** Labelled images; 0 when there are none, and then every figure but agreement is null. */
  readonly images: number;
  /** Right before, wrong after; and the other way round. */
  readonly lost: number;
  readonly gained: number;
  /** Top-1 of the second minus that of the first, with its 95 % interval. Fractions. */
  readonly difference: { readonly value: number; readonly low: number; readonly high: number } | null;
  /** How often both give the same prediction, labels or not. */
  readonly agreement: number;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959964;

/** Both MUST be of the same source. Images that either could not read are left out. */
export function compareEvaluations(first: Evaluation, second: Evaluation): EvaluationDifference {
  const predictionOf = new Map(second.indices.map((index, at) => [index, second.predictions[at]!]));
  let shared = 0;
  let same = 0;
  let images = 0;
  let lost = 0;
  let gained = 0;
  for (const [at, index] of first.indices.entries()) {
    const after = predictionOf.get(index);
    if (after === undefined) continue;
    const before = first.predictions[at]!;
    const label = first.labels[at] ?? null;
    shared++;
    if (before === after) same++;
    if (label === null) continue;
    images++;
    if (before === label && after !== label) lost++;
    if (before !== label && after === label) gained++;
  }
  const agreement = shared > 0 ? same / shared : 1;
  if (images === 0) return { images, lost, gained, difference: null, agreement };
  const value = (gained - lost) / images;
  const deviation = Math.sqrt(Math.max(0, lost + gained - (gained - lost) ** 2 / images)) / images;
  return {
    images,
    lost,
    gained,
    difference: { value, low: value - z95 * deviation, high: value + z95 * deviation },
    agreement,
  };
}
