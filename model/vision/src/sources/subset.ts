/**
 * Parts of a source: chosen indices, a stratified sample, a held-out fraction. A part is a source.
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

export interface SplitSource {
  /** All the other images, in the order of the source. */
  readonly rest: ImageSource;
  /** `fraction` of the images, stratified by label. */
  readonly heldOut: ImageSource;
  /** Classes of the source that one of the parts has no image of, a sentence for each part; none where there are no labels. */
  readonly remarks: readonly string[];
}

/**
 * Both parts hold at least one image. A class keeps an image in the rest as long as there are others to hold
 * out: a class of one image is learnt from, not judged by.
 * @throws SELECTION_INVALID
 */
export function split(source: ImageSource, fraction: number, seed: number): SplitSource {
  if (!(fraction > 0 && fraction < 1) || source.length < 2) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot hold out ${fraction} of ${source.length} images: give a fraction between 0 and 1, and at least 2 images.`,
    );
  }
  const count = Math.min(source.length - 1, Math.max(1, Math.round(source.length * fraction)));
  const order = lastOfClassBehind(source, stratifiedOrder(source, seed));
  const heldOut = subset(source, order.slice(0, count));
  const held = new Set(order.slice(0, count));
  const rest = subset(
    source,
    Array.from({ length: source.length }, (_, i) => i).filter((i) => !held.has(i)),
  );
  const remarks = [
    ...absent(source, rest, "The images that are left hold none of"),
    ...absent(source, heldOut, "The held-out images hold none of"),
  ];
  return { rest, heldOut, remarks };
}

/** The last image of each class moves to the end, where only a share that takes nearly all comes to it. */
function lastOfClassBehind(source: ImageSource, order: readonly number[]): readonly number[] {
  const last = new Map<number | null, number>();
  for (const index of order) last.set(source.label(index), index);
  const behind = new Set(last.values());
  return [...order.filter((index) => !behind.has(index)), ...order.filter((index) => behind.has(index))];
}

/** Classes named in a sentence. */
const NAMED = 5;

function absent(source: ImageSource, part: ImageSource, saying: string): readonly string[] {
  if (!source.labelled) return [];
  const labels = (from: ImageSource) =>
    new Set(Array.from({ length: from.length }, (_, i) => from.label(i) ?? 0));
  const present = labels(part);
  const missing = [...labels(source)].filter((label) => !present.has(label)).sort((a, b) => a - b);
  if (missing.length === 0) return [];
  const named = missing.slice(0, NAMED).map((label) => source.classes?.[label] ?? String(label));
  const more = missing.length > NAMED ? `, and ${missing.length - NAMED} more` : "";
  const classes = missing.length === 1 ? "the class" : `${missing.length} classes:`;
  return [
    `${saying} ${classes} ${named.join(", ")}${more}. ${missing.length === 1 ? "It has" : "They have"} too few images for this share.`,
  ];
}

function stratifiedOrder(source: ImageSource, seed: number): number[] {
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
