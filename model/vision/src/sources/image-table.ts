/**
 * What a table says of each image of a source in several columns, or in one with several values: sets of classes, measured
 * numbers. A table is CSV with a column `file`; or JSON, as a list of objects with `file`, or as an object from files to
 * values, which are the column `labels` then.
 */
import { reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { type FileRow, fileColumnName, fileOf, readWholeTable } from "./file-table.ts";
import { rowsOfImages } from "./image-texts.ts";
import { readLabelText } from "./label-file.ts";

/** As it stands in a CSV, without blanks around it; in JSON also a list. */
export type TableField = string | readonly string[];

export interface ImageTable {
  /** Without that of the files. */
  readonly columns: readonly string[];
  /** A row for each image of the source, in its order. */
  readonly rows: readonly {
    /** Of the table, counted from 1, in a CSV with the header. */
    readonly record: number;
    readonly fields: readonly TableField[];
  }[];
}

/** The column of a JSON object from files to values. */
const labelsColumn = "labels";

/** Of a file as it lies there, before its rows meet images. */
interface ReadTable {
  readonly columns: readonly string[];
  readonly rows: readonly (FileRow & { readonly fields: readonly TableField[] })[];
}

/**
 * @param path ends with .json for JSON; else it is a CSV.
 * @throws LABELS_MISMATCH also for an image without a row and for a file of which two rows say different things;
 * IMAGES_NONE, IMAGE_SOURCE_DAMAGED, LABEL_FILE_MISSING
 */
export async function readImageTable(path: string, images: ImageSource): Promise<ImageTable> {
  const { columns, rows } = await readTable(path);
  const found = await rowsOfImages(path, rows, images);
  return { columns, rows: found.map(({ record, fields }) => ({ record, fields })) };
}

/** The same before rows meet images, to see what kind of table it is. @throws what `readImageTable` throws */
export async function readTable(path: string): Promise<ReadTable> {
  return /\.json$/i.test(path) ? await readJson(path) : await readCsv(path);
}

async function readCsv(path: string): Promise<ReadTable> {
  const { header, rows } = await readWholeTable(path);
  const isKept = header.map((name) => name.toLowerCase() !== fileColumnName);
  const columns = header.filter((_, i) => isKept[i]);
  const met = new Set<string>();
  const twice = columns.find((name) => met.size === met.add(name).size);
  if (twice !== undefined) throw mismatch(path, `has two columns "${twice}". Rename one of them`);
  return {
    columns,
    rows: rows.map(({ record, file, fields: all }) => {
      const fields = all.filter((_, i) => isKept[i]).map((field) => field.trim());
      return { record, file, fields, text: fields.join(", ") };
    }),
  };
}

async function readJson(path: string): Promise<ReadTable> {
  const text = await readLabelText(path, "labels");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw damaged(path, `is not JSON: ${reasonOf(thrown)}`, thrown);
  }
  const objects = Array.isArray(value)
    ? value.map((each, i) => objectOf(path, each, i + 1))
    : [...objectOf(path, value, 1)].map(
        ([file, labels]) =>
          new Map<string, unknown>([
            [fileColumnName, file],
            [labelsColumn, labels],
          ]),
      );
  const columns = [...new Set(objects.flatMap((each) => [...each.keys()]))].filter(
    (name) => name !== fileColumnName,
  );
  const rows = objects.map((each, i) => {
    const record = i + 1;
    const file = each.get(fileColumnName);
    if (typeof file !== "string") throw damaged(path, `has no "${fileColumnName}" in its entry ${record}`);
    const fields = columns.map((column) => fieldOf(path, record, column, each.get(column)));
    return { record, file: fileOf(path, record, file), fields, text: JSON.stringify(fields) };
  });
  if (rows.length === 0) throw visionErrors.error("IMAGES_NONE", `${path} names no image.`);
  return { columns, rows };
}

function objectOf(path: string, value: unknown, record: number): ReadonlyMap<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return new Map(Object.entries(value));
  throw damaged(path, `has an entry ${record} that is no object`);
}

function fieldOf(path: string, record: number, column: string, value: unknown): TableField {
  const isPlain = (each: unknown) => ["string", "number", "boolean"].includes(typeof each);
  if (isPlain(value)) return String(value);
  if (Array.isArray(value) && value.every(isPlain)) return value.map(String);
  throw damaged(path, `has no text, number or list of them as "${column}" of its entry ${record}`);
}

function damaged(path: string, problem: string, cause?: unknown) {
  return visionErrors.error(
    "IMAGE_SOURCE_DAMAGED",
    `${path} ${problem}. Expected a list of objects with "${fileColumnName}" and "${labelsColumn}", or an object from files to labels.`,
    { cause, details: { path } },
  );
}

function mismatch(path: string, problem: string) {
  return visionErrors.error("LABELS_MISMATCH", `${path} ${problem}.`, { details: { path } });
}
