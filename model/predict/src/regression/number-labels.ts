/**
 * Numbers that were measured in images, in a table: one column, `labels` or the only one whose name starts with `label`,
 * with one number or several with blanks, `|` or `;` between them (a number or a list in JSON); or, where there is no such
 * column, every column but that of the files, in the order of the output's values.
 */
import { type ImageSource, readImageTable, type TableField, visionErrors } from "@cupel/vision";
import { labelColumnOf } from "../labels/label-column.ts";

export interface NumberLabels {
  /** Of the table; null for none. */
  readonly path: string | null;
  /** Of the table, where its name does not tell; null for none. */
  readonly column: string | null;
}

/**
 * For each image of the source, as many as the first output has values; null without a table.
 * @throws LABELS_MISMATCH, LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED, IMAGES_NONE
 */
export async function numberLabels(
  images: ImageSource,
  values: number,
  { path, column }: NumberLabels,
): Promise<readonly Float64Array[] | null> {
  if (path === null) return null;
  const table = await readImageTable(path, images);
  const chosen = labelColumnOf(path, table.columns, column);
  return table.rows.map(({ record, fields }) => {
    const texts = chosen === null ? fields.flatMap(partsOf) : partsOf(fields[chosen]!);
    const numbers = Float64Array.from(texts, (text) => (text.trim() === "" ? Number.NaN : Number(text)));
    const wrong = numbers.findIndex((number) => !Number.isFinite(number));
    if (wrong !== -1)
      throw refused(path, `Record ${record} of ${path} has "${texts[wrong]}", which is no number`);
    if (numbers.length === values) return numbers;
    const has = numbers.length === 1 ? "1 number" : `${numbers.length} numbers`;
    throw refused(
      path,
      `Record ${record} of ${path} has ${has}, and the first output of the model ${values === 1 ? "1 value" : `${values} values`} an image. ` +
        "Give as many, in one column with blanks between them or in a column each",
    );
  });
}

function partsOf(field: TableField): readonly string[] {
  return typeof field === "string" ? field.split(/[\s|;]+/) : field;
}

/** @param problem sentences without the last full stop. */
function refused(path: string, problem: string) {
  return visionErrors.error("LABELS_MISMATCH", `${problem}.`, { details: { path } });
}
