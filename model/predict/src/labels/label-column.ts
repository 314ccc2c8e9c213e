/** Which column of a table has the labels of a task. */
import { visionErrors } from "@cupel/vision";

/**
 * The one that is given, else `labels`, else the only one whose name starts with `label`; null where there is none.
 * @throws LABELS_MISMATCH
 */
export function labelColumnOf(path: string, columns: readonly string[], given: string | null): number | null {
  const at = columns.findIndex((name) => name.toLowerCase() === (given ?? "labels").toLowerCase());
  if (at !== -1) return at;
  if (given !== null) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${path} has no column "${given}"; it has: ${columns.join(", ") || "none but the files"}.`,
      { details: { path, columns } },
    );
  }
  const alike = columns.flatMap((name, i) => (name.toLowerCase().startsWith("label") ? [i] : []));
  return alike.length === 1 ? alike[0]! : null;
}
