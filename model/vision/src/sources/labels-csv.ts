/**
 * A table of labels: a header row, a column `file` with paths relative to the table, and a column of
 * class indices or class names. It is a source by itself, or gives labels to a folder of images.
 */
import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { classNamesBeside } from "./class-names.ts";
import { type FileRow, readFileTable } from "./file-table.ts";
import { filesSource } from "./files-source.ts";
import { labelsOf } from "./label-values.ts";

export interface LabelsCsvOptions {
  /** Default `label`, or the only column whose name starts with it. */
  readonly labelColumn?: string | undefined;
  readonly classes?: readonly string[] | string | undefined;
}

export interface LabelTable {
  /** Relative to the folder of the table, or absolute where outside it; normalised, `/` between parts, each once. */
  readonly files: readonly string[];
  readonly labels: readonly number[];
  readonly classes: readonly string[] | null;
  /** What is odd and harmless, in sentences. */
  readonly remarks: readonly string[];
}

/** @throws IMAGES_NONE, IMAGE_SOURCE_DAMAGED, LABEL_FILE_MISSING, LABELS_MISMATCH */
export async function openLabelsCsv(path: string, options: LabelsCsvOptions): Promise<ImageSource> {
  const table = await readLabelsCsv(path, options);
  const root = dirname(path);
  await checkPresence(path, root, table.files);
  return filesSource({ kind: "csv", location: path, root, ...table });
}

/** @throws IMAGES_NONE, IMAGE_SOURCE_DAMAGED, LABEL_FILE_MISSING, LABELS_MISMATCH */
export async function readLabelsCsv(path: string, options: LabelsCsvOptions): Promise<LabelTable> {
  const table = await readFileTable(path, (header) => options.labelColumn ?? soleLabelColumn(path, header));
  const rows = table.map((row) => ({ ...row, text: row.text.trim() }));
  const given = await classNamesBeside(options.classes, path);
  const { labels, classes } = labelsOf(path, rows, given);
  return { ...withoutDoubles(path, rows, labels), classes };
}

/** A file given twice counts once, and under two labels is refused. */
function withoutDoubles(path: string, rows: readonly FileRow[], labels: readonly number[]) {
  const root = dirname(path);
  const first = new Map<string, { readonly row: FileRow; readonly label: number }>();
  const files: string[] = [];
  const kept: number[] = [];
  const doubled: string[] = [];
  rows.forEach((row, i) => {
    const label = labels[i]!;
    const before = first.get(resolve(root, row.file));
    if (before === undefined) {
      first.set(resolve(root, row.file), { row, label });
      files.push(row.file);
      kept.push(label);
    } else if (before.label === label) {
      doubled.push(row.file);
    } else {
      throw visionErrors.error(
        "LABELS_MISMATCH",
        `Records ${before.row.record} and ${row.record} of ${path} give ${row.file} the labels "${before.row.text}" and "${row.text}". ` +
          "Take one of them out.",
        { details: { path, file: row.file, records: [before.row.record, row.record] } },
      );
    }
  });
  const rest = doubled.length > 1 ? `, and ${doubled.length - 1} more such rows` : "";
  const remarks =
    doubled.length === 0
      ? []
      : [`${path} names ${doubled[0]} more than once${rest}: each file is read once.`];
  return { files, labels: kept, remarks };
}

function soleLabelColumn(path: string, header: readonly string[]): string {
  const candidates = header.filter((name) => name.toLowerCase().startsWith("label"));
  const exact = candidates.find((name) => name.toLowerCase() === "label");
  if (exact !== undefined) return exact;
  if (candidates.length === 1) return candidates[0]!;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${path} has no column "label". Choose the column with labelColumn: it has ${header.join(", ")}.`,
    { details: { path, columns: header } },
  );
}

/** One directory listing per folder named, instead of one look per image. */
async function checkPresence(path: string, root: string, files: readonly string[]): Promise<void> {
  const present = new Set<string>();
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    const at = resolve(root, folder);
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const isFile =
        entry.isFile() ||
        (!entry.isDirectory() &&
          (await stat(join(at, entry.name)).then(
            (found) => found.isFile(),
            () => false,
          )));
      if (isFile) present.add(join(at, entry.name));
    }
  }
  const isPresent = (file: string): boolean => present.has(resolve(root, file));
  const missing = files.filter((file) => !isPresent(file));
  if (missing.length > 0) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${missing.length} of the ${files.length} files in ${path} do not exist or are no regular files, first ${missing[0]}. ` +
        (await encodedAdvice(root, missing[0]!)),
      { details: { path, missing: missing.slice(0, 10) } },
    );
  }
}

async function encodedAdvice(root: string, file: string): Promise<string> {
  const decoded = file.replaceAll(/(%[\da-f]{2})+/gi, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch {
      return codes;
    }
  });
  const exists = decoded !== file && (await stat(resolve(root, decoded)).catch(() => null)) !== null;
  return exists
    ? `${decoded} exists: write paths as they are, not encoded for a URL.`
    : "Paths are read relative to the folder of the table.";
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
