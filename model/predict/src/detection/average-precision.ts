/**
 * Mean average precision as COCO measures it (Lin et al., 2014; https://cocodataset.org/#detection-eval): for each
 * class and each of the overlaps 0.50, 0.55, ... 0.95, boxes from the highest score down are right when they overlap a
 * label of their class that no better box took; precision, made falling, is averaged over 101 recalls. The mean
 * is over the classes that have labels. Areas of all sizes, 100 boxes of a class an image at most. A label of a crowd
 * may be met by any number of boxes, which then count neither as right nor as wrong.
 */
import { areaOf, type Box, intersectionOf, intersectionOverUnion } from "./box.ts";
import { byScore } from "./suppress.ts";

export interface LabelledBox extends Box {
  readonly classIndex: number;
  /** Whether it stands for many things, none of which is marked by itself. */
  readonly isCrowd: boolean;
}

interface ScoredBox extends Box {
  readonly classIndex: number;
  readonly score: number;
}

export interface MeasuredImage {
  readonly boxes: readonly ScoredBox[];
  readonly labels: readonly LabelledBox[];
}

const overlaps: readonly number[] = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);
const recalls: readonly number[] = Array.from({ length: 101 }, (_, i) => i / 100);
const mostOfClass = 100;

/** A box met a label, met none, or met a crowd. */
const [right, wrong, ignored] = [1, 0, 2] as const;
type Outcome = typeof right | typeof wrong | typeof ignored;

interface MatchedBox {
  readonly image: number;
  readonly score: number;
  /** One for each of `overlaps`. */
  readonly outcomes: readonly Outcome[];
}

interface MatchedClass {
  /** From the highest score down. */
  readonly boxes: readonly MatchedBox[];
  /** Labels of each image that are no crowd. */
  readonly labels: readonly number[];
}

/** Boxes that met their labels, from which the precision of any choice of the images follows. */
export type MatchedImages = ReadonlyMap<number, MatchedClass>;

export interface AveragePrecision {
  /** At an overlap of 0.5; 0 to 1. */
  readonly ap50: number;
  /** The mean over the overlaps from 0.5 to 0.95. */
  readonly ap: number;
}

export interface MeanAveragePrecision extends AveragePrecision {
  /** By the index of each class that has labels. */
  readonly byClass: ReadonlyMap<number, AveragePrecision>;
}

export function matchImages(images: readonly MeasuredImage[]): MatchedImages {
  const classes = new Set(images.flatMap(({ labels }) => labels.map(({ classIndex }) => classIndex)));
  return new Map(
    [...classes]
      .sort((a, b) => a - b)
      .map((classIndex) => {
        const isIt = (each: { readonly classIndex: number }) => each.classIndex === classIndex;
        const boxes: MatchedBox[] = [];
        const counts: number[] = [];
        for (const [image, { boxes: own, labels }] of images.entries()) {
          const wanted = labels.filter(isIt);
          counts.push(wanted.filter(({ isCrowd }) => !isCrowd).length);
          boxes.push(...matchImage(own.filter(isIt), wanted, image));
        }
        return [classIndex, { boxes: byScore(boxes), labels: counts }] as const;
      }),
  );
}

function matchImage(
  boxes: readonly ScoredBox[],
  labels: readonly LabelledBox[],
  image: number,
): MatchedBox[] {
  const best = byScore(boxes).slice(0, mostOfClass);
  // Crowds last: a box that could meet a label of one thing meets that.
  const inOrder = [...labels].sort((a, b) => Number(a.isCrowd) - Number(b.isCrowd));
  const shared = best.map((box) =>
    inOrder.map((label) =>
      label.isCrowd ? intersectionOf(box, label) / areaOf(box) : intersectionOverUnion(box, label),
    ),
  );
  const byOverlap = overlaps.map((least) => outcomesAt(least, inOrder, shared));
  return best.map(({ score }, i) => ({ image, score, outcomes: byOverlap.map((each) => each[i]!) }));
}

/** @param shared area of each box with each label. */
function outcomesAt(
  least: number,
  labels: readonly LabelledBox[],
  shared: readonly (readonly number[])[],
): Outcome[] {
  const taken = new Set<number>();
  return shared.map((areas) => {
    let met: number | null = null;
    let most = Math.min(least, 1 - 1e-10);
    for (const [i, label] of labels.entries()) {
      if (taken.has(i) && !label.isCrowd) continue;
      if (met !== null && label.isCrowd && !labels[met]!.isCrowd) break;
      if (areas[i]! < most) continue;
      most = areas[i]!;
      met = i;
    }
    if (met === null) return wrong;
    taken.add(met);
    return labels[met]!.isCrowd ? ignored : right;
  });
}

/**
 * @param times each image counts, such as in a draw with replacement. Default: once.
 * @returns null where no image that counts has a label.
 */
export function meanAveragePrecision(
  classes: MatchedImages,
  times?: ArrayLike<number>,
): MeanAveragePrecision | null {
  const byClass = new Map<number, AveragePrecision>();
  for (const [classIndex, matched] of classes) {
    const labels = matched.labels.reduce((sum, count, image) => sum + count * (times?.[image] ?? 1), 0);
    if (labels === 0) continue;
    const precisions = overlaps.map((_, at) => precisionAt(matched.boxes, labels, at, times));
    byClass.set(classIndex, { ap50: precisions[0]!, ap: mean(precisions) });
  }
  if (byClass.size === 0) return null;
  const all = [...byClass.values()];
  return { ap50: mean(all.map(({ ap50 }) => ap50)), ap: mean(all.map(({ ap }) => ap)), byClass };
}

function precisionAt(
  boxes: readonly MatchedBox[],
  labels: number,
  at: number,
  times: ArrayLike<number> | undefined,
): number {
  let found = 0;
  let told = 0;
  const points: { readonly recall: number; precision: number }[] = [];
  for (const { image, outcomes } of boxes) {
    const outcome = outcomes[at]!;
    const count = times?.[image] ?? 1;
    if (outcome === ignored || count === 0) continue;
    told += count;
    if (outcome === right) found += count;
    points.push({ recall: found / labels, precision: found / told });
  }
  for (let i = points.length - 2; i >= 0; i--) {
    points[i]!.precision = Math.max(points[i]!.precision, points[i + 1]!.precision);
  }
  let next = 0;
  return mean(
    recalls.map((recall) => {
      while (next < points.length && points[next]!.recall < recall) next++;
      return points[next]?.precision ?? 0;
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
