/**
 * Parts of a source: chosen indices and a stratified sample. A part is a source.
 *
 * Stratified order: shuffle each class, give the r-th of its n images the key (r + u) / n with one
 * uniform u per class, and sort by key. Any prefix then holds each class in proportion (to
 * within rounding), so a sample of 100 is the beginning of a sample of 200 under the same seed.
 */
import { createRandom } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";

/** The images at `indices`, in that order. @throws SELECTION_INVALID */
export function subset(source: ImageSource, indices: readonly number[]): ImageSource {
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= source.length);
  if (wrong !== undefined) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `There is no image ${wrong} in ${source.location}: it has ${source.length}, counted from 0.`,
      { details: { index: wrong, length: source.length } },
    );
  }
  const chosen = Uint32Array.from(indices);
  return {
    kind: source.kind,
    location: source.location,
    length: chosen.length,
    classes: source.classes,
    labelled: source.labelled,
    id: (index) => source.id(chosen[index]!),
    label: (index) => source.label(chosen[index]!),
    image: (index) => source.image(chosen[index]!),
    skipped: source.skipped,
    remarks: source.remarks,
  };
}

/**
 * `count` images, stratified by label where there are labels; all of them, reordered, when there are
 * no more. Any prefix is stratified too. @throws SELECTION_INVALID
 */
export function sample(source: ImageSource, count: number, seed: number): ImageSource {
  if (!Number.isInteger(count) || count < 1) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot take a sample of ${count} images: give a whole number from 1.`,
    );
  }
  return subset(source, stratifiedOrder(source, seed).slice(0, count));
}

/** The indices of all images in an order each beginning of which holds every class in proportion; any order of no labels. */
export function stratifiedOrder(source: ImageSource, seed: number): number[] {
  const byLabel = new Map<number, number[]>();
  for (let i = 0; i < source.length; i++) {
    const label = source.label(i) ?? 0;
    const members = byLabel.get(label);
    if (members === undefined) byLabel.set(label, [i]);
    else members.push(i);
  }
  const random = createRandom(seed);
  const keys = new Float64Array(source.length);
  // In the order of labels, not of first sight: the draw then depends on which images there are, only.
  for (const [, members] of [...byLabel].sort(([a], [b]) => a - b)) {
    const offset = random.uniform();
    random.permutation(members.length).forEach((chosen, rank) => {
      keys[members[chosen]!] = (rank + offset) / members.length;
    });
  }
  return Array.from({ length: source.length }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
}
