/**
 * How far two models see the same boxes, labels or not: pairs of boxes of one class that overlap by half, as the F1
 * of the one measured against the other, 2 pairs / (boxes of both). Its interval is that of a ratio of sums over
 * images (Cochran, Sampling Techniques, 1977, 6.3), since boxes of one image are not independent.
 */
import { type Proportion, proportion } from "@cupel/base";
import { intersectionOverUnion } from "./box.ts";
import { type DetectedBox, type DetectionPrediction, leastTold, toldBoxes } from "./prediction.ts";

export const leastOverlap = 0.5;

export interface BoxAgreement {
  /** 0 to 1; not a number where neither model sees a box. */
  readonly f1: number;
  /** Of 95 %, over images. */
  readonly low: number;
  readonly high: number;
  /** Boxes that both see, and those that each sees, with a score of `leastScore` at least. */
  readonly pairs: number;
  readonly first: number;
  readonly second: number;
  readonly images: number;
  readonly leastScore: number;
}

interface Counted {
  readonly pairs: number;
  readonly first: number;
  readonly second: number;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959964;

/** Of the same images in the same order. */
export function boxAgreement(
  images: readonly (readonly [DetectionPrediction, DetectionPrediction])[],
): BoxAgreement {
  const counts = images.map(([first, second]) => pairsOf(toldBoxes(first), toldBoxes(second)));
  const sum = (of: (counted: Counted) => number) => counts.reduce((all, each) => all + of(each), 0);
  const [pairs, first, second] = [
    sum((each) => each.pairs),
    sum((each) => each.first),
    sum((each) => each.second),
  ];
  const told = { pairs, first, second, images: images.length, leastScore: leastTold };
  const all = first + second;
  if (all === 0) return { f1: Number.NaN, low: 0, high: 1, ...told };
  const f1 = (2 * pairs) / all;
  return { f1, ...intervalOf(counts, f1, all), ...told };
}

function intervalOf(counts: readonly Counted[], f1: number, all: number): Pick<Proportion, "low" | "high"> {
  const seen = counts.filter(({ first, second }) => first + second > 0);
  const squares = seen.reduce(
    (sum, { pairs, first, second }) => sum + (2 * pairs - f1 * (first + second)) ** 2,
    0,
  );
  // Images that are all alike say nothing of their spread: what share of images may differ unseen does.
  if (squares < 1e-12) return proportion(Math.round(f1 * seen.length), seen.length);
  const deviation = Math.sqrt((squares * seen.length) / Math.max(1, seen.length - 1)) / all;
  return { low: Math.max(0, f1 - z95 * deviation), high: Math.min(1, f1 + z95 * deviation) };
}

function pairsOf(first: readonly DetectedBox[], second: readonly DetectedBox[]): Counted {
  const free = new Set(second);
  let pairs = 0;
  for (const box of first) {
    let met: DetectedBox | null = null;
    let most: number = leastOverlap;
    for (const other of free) {
      if (!isSameClass(box, other)) continue;
      const shared = intersectionOverUnion(box, other);
      if (shared < most || (met !== null && shared === most)) continue;
      [met, most] = [other, shared];
    }
    if (met === null) continue;
    free.delete(met);
    pairs++;
  }
  return { pairs, first: first.length, second: second.length };
}

/** By name where both have one. */
function isSameClass(a: DetectedBox, b: DetectedBox): boolean {
  return a.className !== null && b.className !== null
    ? a.className === b.className
    : a.classIndex === b.classIndex;
}
