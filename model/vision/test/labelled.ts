/** Sources of classes of given sizes, and how many of each a part has. */
import fc from "fast-check";
import type { ImageSource } from "../src/index.ts";
import { level, sourceOf } from "./fixtures.ts";

/** `sizes[label]` images of each label, one class after the other as in a folder tree. */
export function classesOf(...sizes: readonly number[]): ImageSource {
  const labels = sizes.flatMap((size, label) => new Array<number>(size).fill(label));
  return sourceOf(
    labels.map(() => level(0)),
    { labels },
  );
}

/** Any sizes of one class or more, each of 1 to `largest` images. */
export const classSizes = (most: number, largest: number) =>
  fc.array(fc.integer({ min: 1, max: largest }), { minLength: 1, maxLength: most });

export const ids = (source: ImageSource): string[] =>
  Array.from({ length: source.length }, (_, i) => source.id(i));

export function countsOf(source: ImageSource, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < source.length; i++) counts[source.label(i) ?? 0]!++;
  return counts;
}
