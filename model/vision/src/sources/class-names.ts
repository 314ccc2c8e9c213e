/**
 * Class names: a text file with one name a line, in the order of the labels, and the way back from a name
 * to its label. A line `n01440764 tench, Tinca tinca` is also found by its WordNet id alone, because
 * ImageNet's folders and tables are named so.
 */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { visionErrors } from "../errors.ts";
import { readLabelText } from "./label-file.ts";

/** Looked for beside the images, in this order; the second is the name in CIFAR-10's own archive. */
export const CLASS_FILES = ["classes.txt", "batches.meta.txt"];

/**
 * Names given in the call, a file of names, or a file found in `folder`; null when there is none.
 * @throws LABEL_FILE_MISSING, LABELS_MISMATCH, IMAGE_SOURCE_DAMAGED
 */
export async function classNames(
  given: readonly string[] | string | undefined,
  folder: string,
): Promise<readonly string[] | null> {
  if (given !== undefined && typeof given !== "string") return given;
  if (given !== undefined) return namesOf(await readLabelText(given, "class names"), given);
  for (const name of CLASS_FILES) {
    const path = join(folder, name);
    const isThere = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isThere) return namesOf(await readLabelText(path, "class names"), path);
  }
  return null;
}

/** The same, for images that live in a file. */
export function classNamesBeside(given: readonly string[] | string | undefined, path: string) {
  return classNames(given, dirname(path));
}

function namesOf(text: string, path: string): readonly string[] {
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  const blank = names.indexOf("");
  if (names.length === 0 || blank !== -1) {
    const where = names.length === 0 ? "it is empty" : `line ${blank + 1} is blank`;
    throw visionErrors.error("LABELS_MISMATCH", `${path} should hold one class name a line, but ${where}.`, {
      details: { path },
    });
  }
  return names;
}

/** @throws LABELS_MISMATCH when a label has no class name. */
export function checkLabels(
  labels: ArrayLike<number>,
  classes: readonly string[] | null,
  where: string,
): void {
  if (classes === null) return;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < classes.length) continue;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `Image ${i} of ${where} has class ${label}, but there are only ${classes.length} class names ` +
        `(0 to ${classes.length - 1}). Check that the names belong to this set.`,
      { details: { index: i, label, classes: classes.length } },
    );
  }
}
