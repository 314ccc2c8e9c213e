/**
 * What a model says of itself travels inside the file, as entries of ONNX's `metadata_props`: whoever has
 * the file needs nothing else to feed it and to name its predictions. Every writer of a model uses
 * `writeMetadata`; `openPredictor` reads what it wrote.
 */
import { CupelError, reasonOf } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { type Preprocessing, readPreprocessing } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import { ultralyticsMetadata } from "./ultralytics-metadata.ts";

/** The keys in `metadata_props`. Values are JSON, but for the task and the origin, which are bare words. */
export const metadataKeys = {
  preprocessing: "cupel.preprocessing",
  preprocessingOrigin: "cupel.preprocessing.origin",
  classes: "cupel.labels",
  task: "cupel.task",
} as const;

export interface ModelMetadata {
  readonly preprocessing: Preprocessing;
  /** Whether the preprocessing is a guess or was found by trial, so that a reader knows. Default: it is known. */
  readonly preprocessingOrigin?: UncertainOrigin | null | undefined;
  /** Class names in the order of the model's scores; null or absent leaves those that are there. */
  readonly classes?: readonly string[] | null | undefined;
  /** Name of a task in the table `tasks`; absent leaves what is there, and then the outputs tell the task. */
  readonly task?: string | undefined;
}

/** Of a preprocessing that nobody gave: found by a trial on images, or guessed from the input's shape. */
export type UncertainOrigin = "found" | "guessed";

/** Writes into the model in place; other entries stay, and so does the order of those that are there. */
export function writeMetadata(
  model: Model,
  { preprocessing, preprocessingOrigin = null, classes, task }: ModelMetadata,
): void {
  model.metadata.set(metadataKeys.preprocessing, JSON.stringify(preprocessing));
  if (preprocessingOrigin === null) model.metadata.delete(metadataKeys.preprocessingOrigin);
  else model.metadata.set(metadataKeys.preprocessingOrigin, preprocessingOrigin);
  if (classes) model.metadata.set(metadataKeys.classes, JSON.stringify(classes));
  if (task !== undefined) model.metadata.set(metadataKeys.task, task);
}

/** Null when the model says nothing. @throws METADATA_INVALID, METADATA_TOO_LARGE, PREPROCESSING_INVALID */
export function preprocessingFromMetadata(metadata: ReadonlyMap<string, string>): Preprocessing | null {
  const key = metadataKeys.preprocessing;
  const value = jsonAt(metadata, key);
  return value === undefined ? null : ofLimitedSize(readPreprocessing(value, `the metadata ${key}`), key);
}

/**
 * Pixels of an image that metadata may ask for: 2^25, such as 5792 x 5792, which are 384 MiB in three channels of
 * float32. A person may ask for more.
 */
export const metadataPixelLimit = 2 ** 25;

/** @param key that says it. @throws METADATA_TOO_LARGE */
export function ofLimitedSize(preprocessing: Preprocessing, key: string): Preprocessing {
  const { width, height, resize } = preprocessing;
  const side = "size" in resize ? resize.size : 0;
  for (const [wide, high] of [
    [width, height],
    [side, side],
  ] as const) {
    if (wide * high <= metadataPixelLimit) continue;
    throw predictErrors.error(
      "METADATA_TOO_LARGE",
      `The model's metadata ${key} asks for images of ${wide} x ${high} pixels, more than the ` +
        `${metadataPixelLimit.toLocaleString("en")} that are made because a file says so.`,
      { details: { key, width: wide, height: high, limit: metadataPixelLimit } },
    );
  }
  return preprocessing;
}

/** Null when the preprocessing is known, or there is none. */
export function originFromMetadata(metadata: ReadonlyMap<string, string>): UncertainOrigin | null {
  const origin = metadata.get(metadataKeys.preprocessingOrigin);
  return origin === "found" || origin === "guessed" ? origin : null;
}

/** Class names in the order of the scores, ours or ultralytics'; null when the model names none. @throws METADATA_INVALID */
export function classesFromMetadata(metadata: ReadonlyMap<string, string>): readonly string[] | null {
  const key = metadataKeys.classes;
  const value = jsonAt(metadata, key);
  if (value === undefined) return ultralyticsMetadata(metadata)?.names ?? null;
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw invalid(key, "must be a JSON list of class names");
}

/**
 * What the metadata says, where something else goes before a malformed entry.
 * @param isOverridden whether the caller gives all that the entry would say: then one that is malformed is null.
 * @throws METADATA_INVALID, METADATA_TOO_LARGE, with what to give instead
 */
export function unlessOverridden<T>(key: OverridableKey, isOverridden: boolean, read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    if (isOverridden) return null;
    const code = thrown.code === "METADATA_TOO_LARGE" ? thrown.code : "METADATA_INVALID";
    throw predictErrors.error(code, `${thrown.message} ${instead[key]}`, {
      cause: thrown,
      details: thrown.details,
    });
  }
}

type OverridableKey = "preprocessing" | "classes";

const instead: Readonly<Record<OverridableKey, string>> = {
  preprocessing:
    "Give the preprocessing in full, which goes before it: --preprocessing with a preset, or with scale, mean and std.",
  classes:
    "Give the names of the classes, which go before it: --classes FILE, one a line in the model's order.",
};

/** Undefined when there is no such entry; no JSON is undefined. */
function jsonAt(metadata: ReadonlyMap<string, string>, key: string): unknown {
  const text = metadata.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid(key, `is not JSON: ${reasonOf(thrown)}`, thrown);
  }
}

function invalid(key: string, problem: string, cause?: unknown) {
  return predictErrors.error("METADATA_INVALID", `The model's metadata ${key} ${problem}.`, {
    cause,
    details: { key },
  });
}
