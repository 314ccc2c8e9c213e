/**
 * Two detectors on the same images: how many boxes they share, and with labels how much precision one loses. The
 * interval of the difference is from drawing the images with replacement, the same draw for both (Efron, 1979):
 * mean average precision is no mean over images, so that no formula gives it.
 */
import { createRandom } from "@cupel/base";
import { matchImages, meanAveragePrecision } from "./average-precision.ts";
import { type BoxAgreement, boxAgreement } from "./box-agreement.ts";
import type { DetectionEvaluation } from "./evaluate-boxes.ts";

export interface DetectionDifference {
  readonly agreement: BoxAgreement;
  /** AP from 0.5 to 0.95 of the second minus that of the first, with its 95 % interval; null without labels. */
  readonly difference: PrecisionDifference | null;
  /** The same at an overlap of 0.5. */
  readonly difference50: PrecisionDifference | null;
}

export interface PrecisionDifference {
  /** -1 to 1. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly images: number;
}

/** Enough for the two ends of a 95 % interval to within a tenth of its width. */
const draws = 200;

/** Both MUST be of the same source. Images that either could not read are left out. */
export function compareDetections(
  first: DetectionEvaluation,
  second: DetectionEvaluation,
): DetectionDifference {
  const placeOf = new Map(second.indices.map((index, at) => [index, at]));
  const shared = first.indices.flatMap((index, at) => {
    const other = placeOf.get(index);
    return other === undefined ? [] : [[at, other] as const];
  });
  const agreement = boxAgreement(
    shared.map(([a, b]) => [first.predictions[a]!, second.predictions[b]!] as const),
  );
  const { labels } = first;
  if (labels === null || second.labels === null) return { agreement, difference: null, difference50: null };
  const before = matchImages(
    shared.map(([a]) => ({ labels: labels[a]!, boxes: first.predictions[a]!.boxes })),
  );
  const otherLabels = second.labels;
  const after = matchImages(
    shared.map(([, b]) => ({ labels: otherLabels[b]!, boxes: second.predictions[b]!.boxes })),
  );
  const differenceOf = (times?: ArrayLike<number>) => {
    const [a, b] = [meanAveragePrecision(before, times), meanAveragePrecision(after, times)];
    return a === null || b === null ? null : { ap: b.ap - a.ap, ap50: b.ap50 - a.ap50 };
  };
  const whole = differenceOf();
  if (whole === null) return { agreement, difference: null, difference50: null };
  const random = createRandom(1);
  const drawn = Array.from({ length: draws }, () => {
    const times = new Uint16Array(shared.length);
    for (let i = 0; i < shared.length; i++) times[random.integer(shared.length)]! += 1;
    return differenceOf(times);
  }).filter((each) => each !== null);
  const within = (key: "ap" | "ap50"): PrecisionDifference => {
    const sorted = drawn.map((each) => each[key]).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? whole[key];
    return { value: whole[key], low: at(0.025), high: at(0.975), images: shared.length };
  };
  return { agreement, difference: within("ap"), difference50: within("ap50") };
}
