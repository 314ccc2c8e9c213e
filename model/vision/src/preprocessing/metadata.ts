/**
 * Preprocessing and class names travel inside the model, as two entries of its `metadata_props`:
 * whoever has the file needs nothing else to feed it and to name its predictions.
 */
import { reasonOf } from "@cupel/base";
import type { Preprocessing } from "./preprocessing.ts";
import { invalid, readPreprocessing } from "./read-preprocessing.ts";

export const PREPROCESSING_KEY = "cupel.preprocessing";
export const LABELS_KEY = "cupel.labels";

export function preprocessingToMetadata(preprocessing: Preprocessing): [key: string, value: string][] {
  return [[PREPROCESSING_KEY, JSON.stringify(preprocessing)]];
}

/** Null when the model says nothing. @throws PREPROCESSING_INVALID when it says something malformed. */
export function preprocessingFromMetadata(metadata: ReadonlyMap<string, string>): Preprocessing | null {
  const text = metadata.get(PREPROCESSING_KEY);
  if (text === undefined) return null;
  return readPreprocessing(jsonOf(PREPROCESSING_KEY, text), `the metadata ${PREPROCESSING_KEY}`);
}

export function labelsToMetadata(classes: readonly string[]): [key: string, value: string][] {
  return [[LABELS_KEY, JSON.stringify(classes)]];
}

/** Class names by label; null when the model names none. @throws PREPROCESSING_INVALID */
export function labelsFromMetadata(metadata: ReadonlyMap<string, string>): readonly string[] | null {
  const text = metadata.get(LABELS_KEY);
  if (text === undefined) return null;
  const value = jsonOf(LABELS_KEY, text);
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw invalid(`the metadata ${LABELS_KEY} must be a JSON list of class names`, { key: LABELS_KEY });
}

function jsonOf(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid(`the metadata ${key} is not JSON: ${reasonOf(thrown)}`, { key });
  }
}
