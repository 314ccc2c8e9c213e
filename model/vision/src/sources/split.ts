/**
 * A source in two: images to train with, and images held out to judge by.
 *
 * Stratified with bounds. A class of n images has between 1 and n - 1 of them held out, so that it is both learnt and
 * judged; a class of one image is learnt only. Within these bounds the held-out images are the beginning of the
 * stratified order, as many as the fraction says. Where the bounds leave no such number, the nearest is taken, and said.
 */
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { stratifiedOrder, subset } from "./subset.ts";

export interface SplitSource {
  /** All the other images, in the order of the source: at least one of every class. */
  readonly rest: ImageSource;
  /** `fraction` of the images, stratified by label: at least one of every class of two images or more. */
  readonly heldOut: ImageSource;
  /** A sentence where another number than the fraction was held out, and one where classes are not judged. */
  readonly remarks: readonly string[];
}

/**
 * Images without labels count as one class.
 * @throws SELECTION_INVALID for a fraction out of range, and where no class has two images
 */
export function split(source: ImageSource, fraction: number, seed: number): SplitSource {
  if (!(fraction > 0 && fraction < 1)) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot hold out ${fraction} of the images: give a fraction between 0 and 1.`,
    );
  }
  const sizes = countsOf(source);
  const single = [...sizes.keys()].filter((label) => sizes.get(label) === 1);
  if (single.length === sizes.size) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot hold out a share of ${source.location}: it has no class of at least 2 images, and the last image of a class is trained on. ` +
        "Name other images to validate with, or train without validation.",
      { details: { images: source.length, classes: sizes.size } },
    );
  }
  const wanted = Math.max(1, Math.round(source.length * fraction));
  const count = Math.min(source.length - sizes.size, Math.max(sizes.size - single.length, wanted));
  const held = heldOutOf(source, stratifiedOrder(source, seed), sizes, count);
  const others = Array.from({ length: source.length }, (_, i) => i).filter((i) => !held.has(i));
  const adjusted =
    count > wanted
      ? `${count} of ${source.length} images are held out instead of ${wanted}: one of every class that has two or more.`
      : `${count} of ${source.length} images are held out instead of ${wanted}: one of every class is left to train on.`;
  return {
    rest: subset(source, others),
    heldOut: subset(source, [...held]),
    remarks: [
      ...(count === wanted ? [] : [adjusted]),
      ...(single.length === 0 ? [] : [unjudged(source, single)]),
    ],
  };
}

/** The first image of each class of two or more, and of the others the first `count` that leave their class one. */
function heldOutOf(
  source: ImageSource,
  order: readonly number[],
  sizes: ReadonlyMap<number, number>,
  count: number,
): ReadonlySet<number> {
  const taken = new Map<number, number>();
  const held = new Set<number>();
  const hold = (index: number, label: number, most: number): void => {
    const before = taken.get(label) ?? 0;
    if (held.has(index) || before >= most) return;
    taken.set(label, before + 1);
    held.add(index);
  };
  for (const index of order) {
    const label = labelOf(source, index);
    hold(index, label, Math.min(1, sizes.get(label)! - 1));
  }
  for (const index of order) {
    if (held.size === count) break;
    const label = labelOf(source, index);
    hold(index, label, sizes.get(label)! - 1);
  }
  return held;
}

/** Classes named in a sentence. */
const NAMED = 5;

function unjudged(source: ImageSource, labels: readonly number[]): string {
  const ordered = labels.toSorted((a, b) => a - b);
  const named = ordered.slice(0, NAMED).map((label) => source.classes?.[label] ?? String(label));
  const more = ordered.length > NAMED ? `, and ${ordered.length - NAMED} more` : "";
  const [classes, why] =
    ordered.length === 1
      ? ["the class", "It has one image, which is trained on."]
      : [`${ordered.length} classes:`, "They have one image each, which is trained on."];
  return `The held-out images hold none of ${classes} ${named.join(", ")}${more}. ${why}`;
}

function countsOf(source: ImageSource): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < source.length; i++) {
    const label = labelOf(source, i);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

function labelOf(source: ImageSource, index: number): number {
  return source.label(index) ?? 0;
}
