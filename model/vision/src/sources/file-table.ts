/**
 * A table that says something of image files: a header row, a column `file` with paths relative to the table, and
 * the column that is asked for. Labels of classes, texts and lists of labels are all kept like this.
 */
import { dirname, isAbsolute, normalize, relative, resolve, sep } from "node:path";
import { visionErrors } from "../errors.ts";
import { parseCsv, separatorOf } from "./csv.ts";
import { readLabelText } from "./label-file.ts";

/** The column of paths, whatever the case of its letters. */
export const fileColumnName = "file";

export interface FileRow {
  /** Of the table, counted from 1 with the header. */
  readonly record: number;
  /** Relative to the folder of the table, or absolute where outside it; normalised, `/` between parts. */
  readonly file: string;
  /** The field of the chosen column, as it stands there. */
  readonly text: string;
}

export interface FileTable {
  /** Names of the columns, without blanks around them. */
  readonly header: readonly string[];
  /** In the order of the table, with a field a column. Rows whose fields are all blank are left out. */
  readonly rows: readonly (Omit<FileRow, "text"> & { readonly fields: readonly string[] })[];
}

/**
 * In the order of the table. Rows whose fields are all blank are left out.
 * @param chooseColumn gives the name of the column that is read, from the names that the header has.
 * @throws what `readWholeTable` throws
 */
export async function readFileTable(
  path: string,
  chooseColumn: (header: readonly string[]) => string,
): Promise<FileRow[]> {
  let column = 0;
  const { rows } = await readWholeTable(path, (header) => {
    column = columnOf(path, header, chooseColumn(header));
  });
  return rows.map(({ record, file, fields }) => ({ record, file, text: fields[column]! }));
}

/**
 * @param check is given the header, before the rows are read.
 * @throws IMAGES_NONE, IMAGE_SOURCE_DAMAGED, LABEL_FILE_MISSING, LABELS_MISMATCH
 */
export async function readWholeTable(
  path: string,
  check: (header: readonly string[]) => void = () => {},
): Promise<FileTable> {
  const text = await readLabelText(path, "labels");
  const records = parseCsv(text, separatorOf(text));
  const header = (records[0] ?? []).map((name) => name.trim());
  const fileColumn = columnOf(path, header, fileColumnName);
  check(header);
  const rows: FileTable["rows"][number][] = [];
  records.slice(1).forEach((fields, i) => {
    const record = i + 2;
    // Spreadsheets write separators for rows that were emptied.
    if (fields.every((field) => field.trim() === "")) return;
    if (fields.length !== header.length) {
      throw visionErrors.error(
        "IMAGE_SOURCE_DAMAGED",
        `Record ${record} of ${path} has ${fields.length} fields, the header has ${header.length}. ` +
          "Quote fields that contain a comma.",
        { details: { path, record } },
      );
    }
    rows.push({ record, file: fileOf(path, record, fields[fileColumn]!), fields });
  });
  if (rows.length === 0) {
    throw visionErrors.error("IMAGES_NONE", `${path} has a header but no rows: it names no image.`);
  }
  return { header, rows };
}

/** @throws LABELS_MISMATCH for what is no path of this machine. */
export function fileOf(path: string, record: number, field: string): string {
  const refuse = (problem: string) =>
    visionErrors.error("LABELS_MISMATCH", `Record ${record} of ${path} ${problem}.`, {
      details: { path, record, file: field },
    });
  if (field.trim() === "") throw refuse("names no file. Fill it in, or take the row out");
  if (/^[a-z][a-z\d+.-]+:\//i.test(field)) throw refuse(`names ${field}, a URL. Give a path`);
  if (sep === "/" && /^([a-z]:|\\)\\/i.test(field)) {
    throw refuse(`names ${field}, a path of Windows. Give it relative to the table`);
  }
  const file = normalize(field.replaceAll("\\", "/"));
  const inside = isAbsolute(file) ? relative(resolve(dirname(path)), file) : file;
  const isOutside = isAbsolute(file) && (inside.startsWith("..") || isAbsolute(inside));
  return (isOutside ? file : inside).split(sep).join("/");
}

/** By name, else whatever the case of its letters. @throws LABELS_MISMATCH */
function columnOf(path: string, header: readonly string[], name: string): number {
  const column = header.indexOf(name);
  const alike = header.flatMap((each, i) => (each.toLowerCase() === name.toLowerCase() ? [i] : []));
  const chosen = column === -1 ? alike[0] : column;
  const count = column === -1 ? alike.length : header.filter((each) => each === name).length;
  if (chosen !== undefined && count === 1) return chosen;
  const problem = count > 1 ? `${count} columns` : "no column";
  const advice = count > 1 ? "Rename all but one of them." : `Rename the one that is meant to "${name}".`;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${path} has ${problem} "${name}"; its header row has: ${header.join(", ") || "nothing"}. ${advice}`,
    { details: { path, column: name, columns: header } },
  );
}
