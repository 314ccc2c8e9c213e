/** Sources of classes of given sizes, and how many of each a part has. */
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

export const ids = (source: ImageSource): string[] =>
  Array.from({ length: source.length }, (_, i) => source.id(i));

export function countsOf(source: ImageSource, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < source.length; i++) counts[source.label(i) ?? 0]!++;
  return counts;
}
