/** The first column of a table of predictions: names of images, which come from files of others. */
import type { ImageSource } from "@cupel/vision";
import { visibleLine } from "../terminal/visible-text.ts";

/** The table cannot wait for its longest name: this many images are looked at, ... */
const measured = 200;
/** ... and a longer name pushes its line to the right. */
const widestName = 48;

/** Of "image" and the names of the first images. */
export function imageColumnWidth(images: ImageSource): number {
  const first = Array.from({ length: Math.min(images.length, measured) }, (_, index) => images.id(index));
  return widthOf(["image", ...first.map(visibleLine)]);
}

export function widthOf(texts: readonly string[]): number {
  return Math.min(
    widestName,
    texts.reduce((most, { length }) => Math.max(most, length), 0),
  );
}
