/**
 * Labels meet classes: which class of the model a label of the images means. Training, compression and
 * evaluation all ask here, so that none of them counts a wrong class as right.
 *
 * The rule: a label is the index of a class. Labels are refused where they cannot be: ten folders are ten
 * other classes than the thousand of a model, although every label of theirs is below 1000.
 */
import { type ImageSource, visionErrors } from "@cupel/vision";
import type { ModelClasses } from "./model-classes.ts";

export type LabelMatch =
  /** The same images; `label(index)` is a class of the model, or null where the image has no label. */
  | { readonly images: ImageSource; readonly problem: null }
  /** A sentence without its full stop. */
  | { readonly images: null; readonly problem: string };

/** Images without labels fit every model; where the number of classes is not known, all images do. */
export function matchLabels(images: ImageSource, { count }: ModelClasses): LabelMatch {
  const problem = count === null || !images.labelled ? null : problemOf(images, count);
  return problem === null ? { images, problem } : { images: null, problem };
}

/** The images of `matchLabels`. @throws LABELS_MISMATCH */
export function requireLabels(images: ImageSource, classes: ModelClasses): ImageSource {
  const match = matchLabels(images, classes);
  if (match.problem === null) return match.images;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${match.problem}. Choose other labels or class names, or check that images and model belong together.`,
    { details: { location: images.location, classes: classes.count } },
  );
}

function problemOf(images: ImageSource, count: number): string | null {
  const { location, classes, length } = images;
  if (classes !== null && classes.length !== count) {
    return `${location} has ${classes.length} classes, but the model tells ${count} apart`;
  }
  let [largest, beyond] = [-1, -1];
  for (let i = 0; i < length; i++) {
    const label = images.label(i) ?? -1;
    if (label >= count && beyond < 0) beyond = i;
    largest = Math.max(largest, label);
  }
  if (beyond < 0) return null;
  return (
    `${location} has labels for ${largest + 1} classes, but the model tells ${count} apart: ` +
    `label ${images.label(beyond)} of ${images.id(beyond)} is beyond its ${count} classes (0 to ${count - 1})`
  );
}

/** The same images, their labels forgotten. */
export function withoutLabels(images: ImageSource): ImageSource {
  return { ...images, labelled: false, classes: null, label: () => null };
}
