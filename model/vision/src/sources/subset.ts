/**
 * Parts of a source: chosen indices, a stratified sample, a held-back fraction. A part is a source.
 *
 * Stratified order: shuffle each class, give the r-th of its n pictures the key (r + u) / n with one
 * uniform u per class, and sort by key. Any prefix then holds each class in proportion (to
 * within rounding), so a sample of 100 is the beginning of a sample of 200 under the same seed.
 */
import { createRandom } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { PictureSource } from "../picture.ts";

/** The pictures at `indices`, in that order. @throws SELECTION_INVALID */
export function subset(source: PictureSource, indices: readonly number[]): PictureSource {
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= source.length);
  if (wrong !== undefined) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `There is no picture ${wrong} in ${source.location}: it has ${source.length}, counted from 0.`,
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
    picture: (index) => source.picture(chosen[index]!),
  };
}

/**
 * `count` pictures, stratified by label where there are labels; all of them, reordered, when there are
 * no more. Any prefix is stratified too. @throws SELECTION_INVALID
 */
export function sample(source: PictureSource, count: number, seed: number): PictureSource {
  if (!Number.isInteger(count) || count < 1) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot take a sample of ${count} pictures: give a whole number from 1.`,
    );
  }
  return subset(source, stratifiedOrder(source, seed).slice(0, count));
}

export interface SplitSource {
  /** All the other pictures, in the order of the source. */
  readonly rest: PictureSource;
  /** `fraction` of the pictures, stratified by label. */
  readonly heldBack: PictureSource;
}

/** Both parts hold at least one picture. @throws SELECTION_INVALID */
export function split(source: PictureSource, fraction: number, seed: number): SplitSource {
  if (!(fraction > 0 && fraction < 1) || source.length < 2) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `Cannot hold back ${fraction} of ${source.length} pictures: give a fraction between 0 and 1, and at least 2 pictures.`,
    );
  }
  const count = Math.min(source.length - 1, Math.max(1, Math.round(source.length * fraction)));
  const heldBack = stratifiedOrder(source, seed).slice(0, count);
  const held = new Set(heldBack);
  const rest = Array.from({ length: source.length }, (_, i) => i).filter((i) => !held.has(i));
  return { rest: subset(source, rest), heldBack: subset(source, heldBack) };
}

function stratifiedOrder(source: PictureSource, seed: number): number[] {
  const byLabel = new Map<number, number[]>();
  for (let i = 0; i < source.length; i++) {
    const label = source.label(i) ?? 0;
    const members = byLabel.get(label);
    if (members === undefined) byLabel.set(label, [i]);
    else members.push(i);
  }
  const random = createRandom(seed);
  const keys = new Float64Array(source.length);
  // In the order of labels, not of first sight: the draw then depends on which pictures there are, only.
  for (const [, members] of [...byLabel].sort(([a], [b]) => a - b)) {
    const offset = random.uniform();
    random.permutation(members.length).forEach((chosen, rank) => {
      keys[members[chosen]!] = (rank + offset) / members.length;
    });
  }
  return Array.from({ length: source.length }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
}
