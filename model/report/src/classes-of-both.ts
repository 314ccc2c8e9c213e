/** The classes of two models that are compared, which must be the same: whoever made the second from the first kept them. */
import type { Model } from "@cupel/onnx";
import { classesOf, type ModelClasses } from "@cupel/predict";
import { visionErrors } from "@cupel/vision";
import type { ModelPair } from "./model-pair.ts";

/**
 * The report counts by the index of a class, so that both models must have the same. Asked before anything is measured.
 * @param eitherNames whether the names of the second will do for a first that has none; not where they are those
 * of the images, as `compress` writes them.
 * @throws LABELS_MISMATCH
 */
export function classesOfBoth(
  { original, compressed }: ModelPair<Model>,
  otherwise: readonly string[] | null,
  eitherNames: boolean,
): ModelClasses {
  const second = classesOf(compressed, otherwise);
  const other = second.names === otherwise ? null : second.names;
  const classes = classesOf(original, otherwise ?? (eitherNames ? other : null));
  const [one, two] = [classes.count, second.count];
  if (one !== null && two !== null && one !== two) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `The first model tells ${one} classes apart and the second ${two}. A report compares models whose classes are the same, in the same order.`,
      { details: { first: one, second: two } },
    );
  }
  const at = classes.names && other ? classes.names.findIndex((name, i) => name !== other[i]) : -1;
  if (at < 0) return classes;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `The models name their classes differently: class ${at} is ${JSON.stringify(classes.names?.[at])} for the first and ` +
      `${JSON.stringify(other?.[at] ?? null)} for the second. A report compares models whose classes are the same, in the same order.`,
    { details: { first: classes.names, second: other } },
  );
}
