/** The first column of a table of predictions: names of images, which come from files of others. */
import type { ImageSource } from "@cupel/vision";

/** The table cannot wait for its longest name: this many images are looked at, ... */
const measured = 200;
/** ... and a longer name pushes its line to the right. */
const widestName = 48;

/** Of "image" and the names of the first images. */
export function imageColumnWidth(images: ImageSource): number {
  const first = Array.from({ length: Math.min(images.length, measured) }, (_, index) => images.id(index));
  return widthOf(["image", ...first.map(printable)]);
}

export function widthOf(texts: readonly string[]): number {
  return Math.min(widestName, Math.max(...texts.map(({ length }) => length)));
}

/** What would move the cursor or end the line is shown as its code. */
export function printable(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    /[\u0000-\u001f\u007f-\u009f]/g,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
