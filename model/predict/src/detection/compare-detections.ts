/**
 * Two detectors on the same images: how many boxes they share, and with labels how much precision one loses. The
 * interval of the difference is from `bootstrap`, the same draws for both.
 */
import { bootstrap, bootstrapInterval } from "../task/bootstrap.ts";
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
  const drawn = bootstrap(shared.length, differenceOf);
  const within = (key: "ap" | "ap50"): PrecisionDifference => ({
    value: whole[key],
    ...bootstrapInterval(
      drawn.map((each) => each[key]),
      whole[key],
    ),
    images: shared.length,
  });
  return { agreement, difference: within("ap"), difference50: within("ap50") };
}
