/**
 * A table of labels: a header row, a column `file` with paths relative to the table, and a column of
 * class indices or class names. It is a source by itself, or gives labels to a folder of images.
 */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize, resolve, sep } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { checkLabels, classNamesBeside, labelsByName } from "./class-names.ts";
import { parseCsv } from "./csv.ts";
import { filesSource } from "./files-source.ts";

export interface LabelsCsvOptions {
  /** Default `label`, or the only column whose name starts with it. */
  readonly labelColumn?: string | undefined;
  readonly classes?: readonly string[] | string | undefined;
}

export interface LabelTable {
  /** Relative to the folder of the table, normalised, `/` between parts. */
  readonly files: readonly string[];
  readonly labels: readonly number[];
  readonly classes: readonly string[] | null;
}

/** @throws IMAGES_NONE, IMAGE_SOURCE_DAMAGED, LABELS_MISMATCH */
export async function openLabelsCsv(path: string, options: LabelsCsvOptions): Promise<ImageSource> {
  const table = await readLabelsCsv(path, options);
  const root = dirname(path);
  await checkPresence(path, root, table.files);
  return filesSource({ kind: "csv", location: path, root, ...table });
}

export async function readLabelsCsv(path: string, options: LabelsCsvOptions): Promise<LabelTable> {
  const [header = [], ...rows] = parseCsv(await readFile(path, "utf8"));
  const fileColumn = columnOf(path, header, "file");
  const labelColumn = columnOf(path, header, options.labelColumn ?? soleLabelColumn(path, header));
  if (rows.length === 0) {
    throw visionErrors.error("IMAGES_NONE", `${path} has a header but no rows: it names no image.`);
  }
  const files: string[] = [];
  const values: string[] = [];
  rows.forEach((row, i) => {
    if (row.length !== header.length) {
      throw visionErrors.error(
        "IMAGE_SOURCE_DAMAGED",
        `Record ${i + 2} of ${path} has ${row.length} fields, the header has ${header.length}. ` +
          "Quote fields that contain a comma.",
        { details: { path, record: i + 2 } },
      );
    }
    files.push(normalize(row[fileColumn]!).split(sep).join("/"));
    values.push(row[labelColumn]!.trim());
  });
  const given = await classNamesBeside(options.classes, path);
  const { labels, classes } = labelsOf(path, values, given);
  checkLabels(labels, classes, path);
  return { files, labels, classes };
}

function soleLabelColumn(path: string, header: readonly string[]): string {
  if (header.includes("label")) return "label";
  const candidates = header.filter((name) => name.startsWith("label"));
  if (candidates.length === 1) return candidates[0]!;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${path} has no column "label". Choose the column with labelColumn: it has ${header.join(", ")}.`,
    { details: { path, columns: header } },
  );
}

function columnOf(path: string, header: readonly string[], name: string): number {
  const column = header.indexOf(name);
  if (column !== -1) return column;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${path} has no column "${name}"; its header row has: ${header.join(", ") || "nothing"}.`,
    { details: { path, column: name, columns: header } },
  );
}

/** All integers: indices. Otherwise names, in the order of the class names or else sorted. */
function labelsOf(path: string, values: readonly string[], given: readonly string[] | null) {
  if (values.every((value) => /^\d+$/.test(value))) return { labels: values.map(Number), classes: given };
  const classes = given ?? [...new Set(values)].sort();
  const byName = labelsByName(classes);
  const labels = values.map((value, i) => {
    const label = byName.get(value);
    if (label !== undefined) return label;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `Record ${i + 2} of ${path} has the label "${value}", which is not one of the ${classes.length} class names. ` +
        "Correct the row or the class names.",
      { details: { path, record: i + 2, label: value } },
    );
  });
  return { labels, classes };
}

/** One directory listing per folder named, instead of one look per image. */
async function checkPresence(path: string, root: string, files: readonly string[]): Promise<void> {
  const present = new Set<string>();
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    const names = await readdir(join(root, folder)).catch(() => []);
    for (const name of names) present.add(join(folder, name).split(sep).join("/"));
  }
  const missing = files.filter((file) => !present.has(file));
  if (missing.length > 0) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${missing.length} of the ${files.length} files in ${path} do not exist, first ${missing[0]}. ` +
        "Paths are read relative to the folder of the table.",
      { details: { path, missing: missing.slice(0, 10) } },
    );
  }
}

/**
 * Labels for images found elsewhere: rows name them relative to the table's folder or to the images'
 * own. Rows for other images are ignored; an image without a row is an error.
 * @throws LABELS_MISMATCH
 */
export function labelsFor(table: LabelTable, csv: string, root: string, files: readonly string[]): number[] {
  const byPath = new Map<string, number>();
  table.files.forEach((file, i) => {
    byPath.set(resolve(root, file), table.labels[i]!);
  });
  table.files.forEach((file, i) => {
    byPath.set(resolve(dirname(csv), file), table.labels[i]!);
  });
  const labels: number[] = [];
  const missing: string[] = [];
  for (const file of files) {
    const label = byPath.get(resolve(root, file));
    if (label === undefined) missing.push(file);
    else labels.push(label);
  }
  if (missing.length > 0) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${missing.length} of the ${files.length} images in ${root} have no row in ${csv}, first ${missing[0]}.`,
      { details: { path: csv, missing: missing.slice(0, 10) } },
    );
  }
  return labels;
}
