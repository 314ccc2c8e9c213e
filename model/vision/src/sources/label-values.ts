/**
 * The label column of a table: class indices, or class names. Names that are all known come first, so that
 * classes which are called by numbers are met by name. What is neither is refused with its record. No I/O.
 */
import { visionErrors } from "../errors.ts";
import { classFinder } from "./class-finder.ts";

export interface LabelValue {
  readonly text: string;
  /** Of the table, counted from 1 with the header. */
  readonly record: number;
}

/** More classes than any classifier has; larger numbers are something else, such as ids. */
const MOST_CLASSES = 1_000_000;

const isIndex = (text: string): boolean => /^\d+$/.test(text);
const isNumber = (text: string): boolean => text !== "" && Number.isFinite(Number(text));
/** What programs write for a missing value and no one calls a class. */
const isMissing = (text: string): boolean => /^(nan|null|<na>|#n\/a)$/i.test(text);

/** @param given class names, or null where none are known. @throws LABELS_MISMATCH, LABEL_TOO_LARGE */
export function labelsOf(path: string, values: readonly LabelValue[], given: readonly string[] | null) {
  const refuse = (
    { text, record }: LabelValue,
    problem: string,
    code: "LABELS_MISMATCH" | "LABEL_TOO_LARGE" = "LABELS_MISMATCH",
  ) =>
    visionErrors.error(code, `Record ${record} of ${path} has ${problem}.`, {
      details: { path, record, label: text },
    });
  const empty = values.find(({ text }) => text === "");
  if (empty) throw refuse(empty, "an empty label. Fill it in, or take the row out");

  const find = given === null ? null : classFinder(given);
  if (find !== null && values.every(({ text }) => find(text).length > 0)) {
    const twice = values.find(({ text }) => find(text).length > 1);
    if (twice) {
      throw refuse(
        twice,
        `the label "${twice.text}", which is the name of ${find(twice.text).length} classes (${find(twice.text).join(" and ")}). ` +
          "Give the number of the class, or names that differ",
      );
    }
    const count = given?.length ?? 0;
    const areIndices = values.every(({ text }) => isIndex(text) && Number(text) < count);
    const unclear = values.find(({ text }) => find(text)[0] !== Number(text));
    if (unclear && areIndices && !given?.every(isIndex)) {
      throw refuse(
        unclear,
        `the label ${unclear.text}, which is the name of class ${find(unclear.text)[0]} and may be the number of another. ` +
          "Write names that are no numbers, or leave out the class names",
      );
    }
    return { labels: values.map(({ text }) => find(text)[0]!), classes: given };
  }
  const missing = values.find(({ text }) => isMissing(text));
  if (missing) throw refuse(missing, `the label "${missing.text}", which stands for a missing value`);

  if (values.every(({ text }) => isNumber(text))) {
    for (const value of values) {
      const { text } = value;
      const label = `the label ${text}`;
      if (text.startsWith("-")) throw refuse(value, `${label}, which is negative. Class indices begin at 0`);
      if (!isIndex(text))
        throw refuse(value, `${label}, which is not a whole number. Class indices are 0, 1, 2, ...`);
      if (given !== null && Number(text) >= given.length) {
        throw refuse(
          value,
          `class ${text}, but there are only ${given.length} class names (0 to ${given.length - 1}). ` +
            "Check that the names belong to this set",
        );
      }
      if (Number(text) >= MOST_CLASSES) {
        throw refuse(
          value,
          `${label}, which is no class index: the largest is ${MOST_CLASSES - 1}`,
          "LABEL_TOO_LARGE",
        );
      }
    }
    return { labels: values.map(({ text }) => Number(text)), classes: given };
  }
  if (given === null) {
    const number = values.find(({ text }) => isNumber(text));
    const name = values.find(({ text }) => !isNumber(text))!;
    if (number) {
      throw refuse(
        name,
        `the label "${name.text}" and record ${number.record} the number ${number.text}. ` +
          "Give indices or names; if numbers are names too, list all class names",
      );
    }
    const classes = [...new Set(values.map(({ text }) => text))].sort();
    const labels = new Map(classes.map((name, label) => [name, label]));
    return { labels: values.map(({ text }) => labels.get(text)!), classes };
  }
  const unknown = values.find(({ text }) => find?.(text).length === 0)!;
  throw refuse(
    unknown,
    `the label "${unknown.text}", which is not one of the ${given.length} class names. ` +
      "Correct the row or the class names",
  );
}
