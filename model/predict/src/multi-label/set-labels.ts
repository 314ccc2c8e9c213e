/**
 * The classes that images have, as they are kept: one that each image of the source is labelled as, or a table. In a table
 * they stand in one column, `labels`, with `|`, `;` or `,` between them (a list in JSON), or there is a column of 0 and 1
 * for each class. They meet the model's classes by name where it names them, else by index.
 */
import { own } from "@cupel/base";
import {
  classFinder,
  type ImageSource,
  type ImageTable,
  readImageTable,
  type TableField,
  visionErrors,
} from "@cupel/vision";
import { labelColumnOf } from "../labels/label-column.ts";
import { listed, twiceProblem, unknownProblem } from "../labels/label-problems.ts";
import { type LabelsBy, requireLabels } from "../labels/match-labels.ts";
import type { ModelClasses } from "../labels/model-classes.ts";

export interface SetLabels {
  /** Of a table; null for none. */
  readonly path: string | null;
  /** Of the table, where it is not `labels`; null for none. */
  readonly column: string | null;
}

export interface ClassSets {
  /** For each image of the source: 1 for each class that it has; null where it has no label. */
  readonly sets: readonly (Uint8Array | null)[];
  readonly by: LabelsBy;
}

type KnownClasses = ModelClasses & { readonly count: number };

/**
 * Null where there are no labels.
 * @throws LABELS_MISMATCH, LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED, IMAGES_NONE
 */
export async function setLabels(
  images: ImageSource,
  classes: KnownClasses,
  { path, column }: SetLabels,
): Promise<ClassSets | null> {
  if (path === null) return images.labelled ? setsOfImages(images, classes) : null;
  const table = await readImageTable(path, images);
  const named = labelColumnOf(path, table.columns, column);
  return named === null
    ? setsOfColumns(path, table, classes)
    : setsOfLists(path, listsIn(table, named, classes), classes);
}

function setsOfImages(images: ImageSource, classes: KnownClasses): ClassSets {
  const { images: matched, by } = requireLabels(images, classes);
  const sets = Array.from({ length: images.length }, (_, index) => {
    const label = matched.label(index);
    return label === null ? null : setOf([label], classes.count);
  });
  return { sets, by };
}

function setOf(members: Iterable<number>, count: number): Uint8Array {
  const set = new Uint8Array(count);
  for (const member of members) set[member] = 1;
  return set;
}

/** The names in each field. @returns one list an image. */
function listsIn({ rows }: ImageTable, column: number, { names }: ModelClasses): string[][] {
  const fields = rows.map(({ fields: all }) => all[column]!);
  const separator = separatorOf(fields, names);
  return fields.map((field) => {
    const parts = typeof field !== "string" ? field : separator === null ? [field] : field.split(separator);
    return parts.map((part) => part.trim()).filter((part) => part !== "");
  });
}

/** Names may contain what separates others: where each field is a name as it stands, nothing does. */
function separatorOf(fields: readonly TableField[], names: readonly string[] | null): string | RegExp | null {
  const texts = fields.filter((field) => typeof field === "string").filter((text) => text !== "");
  const find = names === null ? null : classFinder(names);
  const isKnown = (text: string) => (find === null ? isNumber(text) : find(text).length > 0);
  if (texts.every(isKnown)) return null;
  const usual = ["|", ";", ","].find((mark) => texts.some((text) => text.includes(mark)));
  if (usual !== undefined) return usual;
  return texts.every((text) => text.split(/\s+/).every(isKnown)) ? /\s+/ : null;
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

function setsOfLists(path: string, lists: readonly string[][], { names, count }: KnownClasses): ClassSets {
  const used = [...new Set(lists.flat())];
  const find = names === null ? null : classFinder(names);
  const unknown = used.filter((name) => (find?.(name).length ?? 0) === 0);
  if (find !== null && unknown.length === 0) {
    const twice = used.find((name) => find(name).length > 1);
    if (twice !== undefined) throw refused(path, twiceProblem(path, twice, find(twice)));
    return {
      sets: lists.map((list) =>
        setOf(
          list.map((name) => find(name)[0]!),
          count,
        ),
      ),
      by: "name",
    };
  }
  if (used.every(isNumber)) {
    const beyond = used.find((name) => Number(name) >= count);
    if (beyond === undefined)
      return { sets: lists.map((list) => setOf(list.map(Number), count)), by: "index" };
    throw refused(
      path,
      `${path} has the class ${beyond}, but the model tells ${count} apart (0 to ${count - 1})`,
    );
  }
  if (names !== null) throw refused(path, unknownProblem(path, unknown, names, names));
  throw refused(
    path,
    `${path} has names of classes (${listed(used, 4)}), but the model does not name its classes. ` +
      "Give a file of the names in the model's order, one a line, with --classes",
  );
}

/** 0 and 1, as tables write them. */
const members: Readonly<Record<string, number>> = { "0": 0, "1": 1, "0.0": 0, "1.0": 1, false: 0, true: 1 };

function setsOfColumns(path: string, table: ImageTable, { names, count }: KnownClasses): ClassSets {
  const { columns } = table;
  const find = classFinder(columns);
  if (names === null && columns.length !== count) {
    throw refused(
      path,
      `${path} has no column "labels", and ${columns.length} others (${listed(columns, 8)}) where the model tells ${count} classes apart. ` +
        "Give the classes of an image in one column with | between them, or a column of 0 and 1 for each class",
    );
  }
  const places = names === null ? [...columns.keys()] : names.map((name) => find(name)[0] ?? -1);
  const missing = names?.filter((_, c) => places[c] === -1) ?? [];
  if (missing.length > 0) {
    throw refused(
      path,
      `${path} has no column "labels", and none of 0 and 1 for ${missing.length === 1 ? "the class" : `${missing.length} classes:`} ${listed(missing, 8)}; it has: ${columns.join(", ")}`,
    );
  }
  const sets = table.rows.map(({ record, fields }) =>
    Uint8Array.from(places, (place) => {
      const field = fields[place]!;
      const member = typeof field === "string" ? field.toLowerCase() : "";
      const held = own(members, member);
      if (held !== undefined) return held;
      throw refused(
        path,
        `${path} has "${String(field)}" in the column "${columns[place]}" of record ${record}, expected 0 or 1`,
      );
    }),
  );
  return { sets, by: names === null ? "index" : "name" };
}

/** @param problem a sentence without its full stop. */
function refused(path: string, problem: string) {
  return visionErrors.error("LABELS_MISMATCH", `${problem}.`, { details: { path } });
}
