/**
 * How far maps lie on the masks that people drew. For each class, over the pixels of all images:
 *
 *   IoU = pixels that both give the class / pixels that either gives it;
 *
 * mean IoU is the mean over the classes that either gives at all, and pixel accuracy the share of pixels with the right
 * class. The value 255 says that a pixel does not count, unless the masks have nothing but 0 and 255 and the model tells
 * two classes apart: then it is class 1.
 */
import { visionErrors } from "@cupel/vision";
import type { TaskFigure } from "../task/task.ts";

/** Of one image, by class. */
export interface ClassPixels {
  readonly both: Float64Array;
  readonly predicted: Float64Array;
  readonly labelled: Float64Array;
  /** Predicted where the mask says 255. */
  readonly unsaid: Float64Array;
}

export interface ClassOverlap {
  readonly classIndex: number;
  /** Null where nobody names it. */
  readonly className: string | null;
  /** 0 to 1. */
  readonly iou: number;
  /** Of the masks. */
  readonly pixels: number;
}

export interface Overlap {
  readonly meanIou: number;
  readonly pixelAccuracy: number;
  /** Classes that a mask or a map has. */
  readonly classes: readonly ClassOverlap[];
  /** With a mask, and of all. */
  readonly images: number;
  readonly of: number;
  /** Share of the pixels that the preprocessing cuts off: they are not measured. */
  readonly cutOff: number;
}

/** Of the masks: such as borders in Pascal VOC. */
export const unsaidValue = 255;

export function emptyPixels(classes: number): ClassPixels {
  const counts = () => new Float64Array(classes);
  return { both: counts(), predicted: counts(), labelled: counts(), unsaid: counts() };
}

/** What 255 stands for is known when all masks are. @param count classes that the model tells apart; null for any. */
export function settled(images: readonly ClassPixels[], count: number | null): ClassPixels[] {
  const isForeground = count === 2 && !images.some(({ labelled }) => (labelled[1] ?? 0) > 0);
  if (!isForeground) return [...images];
  return images.map(({ both, predicted, labelled, unsaid }) => ({
    both: both.map((pixels, c) => pixels + (c === 1 ? unsaid[c]! : 0)),
    predicted: predicted.map((pixels, c) => pixels + unsaid[c]!),
    labelled: labelled.map(
      (pixels, c) => pixels + (c === 1 ? unsaid.reduce((sum, each) => sum + each, 0) : 0),
    ),
    unsaid: new Float64Array(unsaid.length),
  }));
}

/** @param times how often each image counts. Default: once. @returns null where no class has a pixel */
export function meanIou(images: readonly ClassPixels[], times?: ArrayLike<number>): number | null {
  const ious = iousOf(summed(images, times)).filter((iou) => !Number.isNaN(iou));
  return ious.length === 0 ? null : ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
}

function summed(images: readonly ClassPixels[], times?: ArrayLike<number>): ClassPixels {
  const sum = emptyPixels(images.reduce((most, { both }) => Math.max(most, both.length), 0));
  for (const [i, image] of images.entries()) {
    const weight = times?.[i] ?? 1;
    for (const key of ["both", "predicted", "labelled"] as const) {
      for (const [c, pixels] of image[key].entries()) sum[key][c]! += weight * pixels;
    }
  }
  return sum;
}

/** Not a number for a class that neither has. */
function iousOf({ both, predicted, labelled }: ClassPixels): number[] {
  return Array.from(both, (pixels, c) => pixels / (predicted[c]! + labelled[c]! - pixels));
}

/** @throws LABELS_MISMATCH where the masks say nothing of any pixel that is measured */
export function overlapOf(
  images: readonly ClassPixels[],
  names: readonly string[] | null,
  told: Pick<Overlap, "of" | "cutOff">,
): Overlap {
  const mean = meanIou(images);
  if (mean === null) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `The masks say nothing of any pixel: all they have is ${unsaidValue}, which stands for a pixel that does not count.`,
    );
  }
  const sum = summed(images);
  const total = (counts: Float64Array) => counts.reduce((all, each) => all + each, 0);
  const classes = iousOf(sum).flatMap((iou, classIndex) =>
    Number.isNaN(iou)
      ? []
      : [{ classIndex, className: names?.[classIndex] ?? null, iou, pixels: sum.labelled[classIndex]! }],
  );
  const pixelAccuracy = total(sum.both) / total(sum.labelled);
  return { meanIou: mean, pixelAccuracy, classes, images: images.length, ...told };
}

export function overlapFigures({
  meanIou: mean,
  pixelAccuracy,
  classes,
  images,
  of,
  cutOff,
}: Overlap): TaskFigure[] {
  const counted = images === of ? `${images} images` : `${images} of ${of} images, the others have no mask`;
  const cut =
    cutOff === 0 ? "" : `, without the ${(100 * cutOff).toFixed(1)} % of the pixels that the crop cuts off`;
  const figure = (name: string, value: number, things: string): TaskFigure => ({
    name,
    unit: "share",
    value,
    interval: null,
    of: things,
  });
  return [
    figure("mean IoU", mean, `${classes.length} classes in ${counted}${cut}`),
    figure("pixel accuracy", pixelAccuracy, `the pixels of ${counted}${cut}`),
    ...classes.map(({ className, classIndex, iou, pixels }) =>
      figure(`IoU of ${className ?? `class ${classIndex}`}`, iou, `${pixels} pixels of the masks`),
    ),
  ];
}
