/**
 * What a table says of each image of a source in words: the line of text in it. Rows name images relative to the
 * table's folder or by their name in the source; rows for other images are ignored.
 */
import { dirname, resolve } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { type FileRow, readFileTable } from "./file-table.ts";

/**
 * One for each image, in the order of the source, without blanks around it.
 * @param path of a table with the columns `file` and `column`.
 * @throws LABELS_MISMATCH also for an image without a row and for a file with two texts; IMAGES_NONE,
 * IMAGE_SOURCE_DAMAGED, LABEL_FILE_MISSING
 */
export async function readImageTexts(
  path: string,
  column: string,
  images: ImageSource,
): Promise<readonly string[]> {
  const rows = await readFileTable(path, () => column);
  const found = await rowsOfImages(
    path,
    rows.map((row) => ({ ...row, text: row.text.trim() })),
    images,
  );
  return found.map(({ text }) => text);
}

/**
 * The row of each image, in the order of the source.
 * @throws LABELS_MISMATCH for an image without a row and for a file of which two rows say different things
 */
export async function rowsOfImages<Row extends FileRow>(
  path: string,
  rows: readonly Row[],
  images: ImageSource,
): Promise<readonly Row[]> {
  const byId = onePerFile(path, rows, ({ file }) => file);
  const byPath = onePerFile(path, rows, ({ file }) => resolve(dirname(path), file));
  const found: Row[] = [];
  const missing: string[] = [];
  for (let index = 0; index < images.length; index++) {
    const id = images.id(index);
    const row = byId.get(id) ?? byPath.get(await placeOf(images, index));
    if (row === undefined) missing.push(id);
    else found.push(row);
  }
  if (missing.length === 0) return found;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${missing.length} of the ${images.length} images in ${images.location} have no row in ${path}, first ${missing[0]}. ` +
      "Add the rows, or take the images out.",
    { details: { path, missing: missing.slice(0, 10) } },
  );
}

/** Images that are no files have only their name. */
async function placeOf(images: ImageSource, index: number): Promise<string> {
  if (!["file", "folder", "csv"].includes(images.kind)) return "";
  const image = await images.image(index);
  return image.kind === "file" ? resolve(image.path) : "";
}

function onePerFile<Row extends FileRow>(
  path: string,
  rows: readonly Row[],
  nameOf: (row: Row) => string,
): ReadonlyMap<string, Row> {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const before = found.get(nameOf(row));
    if (before !== undefined && before.text !== row.text) {
      throw visionErrors.error(
        "LABELS_MISMATCH",
        `Records ${before.record} and ${row.record} of ${path} say of ${row.file} "${before.text}" and "${row.text}". ` +
          "Take one of them out.",
        { details: { path, file: row.file, records: [before.record, row.record] } },
      );
    }
    found.set(nameOf(row), row);
  }
  return found;
}
