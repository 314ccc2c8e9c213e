/** Unknown JSON becomes a `Preprocessing`, or an error that names the key. */
import { conforms, expectation } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import { CHANNELS, type Preprocessing, preprocessingSchema } from "./preprocessing.ts";

const { properties } = preprocessingSchema;

/** @param where what is being read, for the message. @throws PREPROCESSING_INVALID */
export function readPreprocessing(value: unknown, where = "the preprocessing"): Preprocessing {
  if (isPreprocessing(value)) return checkChannels(value, where);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${where} must be a JSON object`, {});
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const unknownKey = [...given.keys()].find((key) => !Object.hasOwn(properties, key));
  if (unknownKey !== undefined) {
    const keys = Object.keys(properties).join(", ");
    throw invalid(`${where} has the unknown key "${unknownKey}"; the keys are ${keys}`, { key: unknownKey });
  }
  const required: readonly string[] = preprocessingSchema.required;
  const [key, schema] = Object.entries(properties).find(
    ([each, its]) => (given.has(each) || required.includes(each)) && !conforms(its, given.get(each)),
  )!;
  const found = given.get(key);
  const instead = found === undefined ? "it is missing" : `not ${JSON.stringify(found)}`;
  throw invalid(`"${key}" of ${where} must be ${expectation(schema)}, ${instead}`, { key });
}

export function isPreprocessing(value: unknown): value is Preprocessing {
  return conforms(preprocessingSchema, value);
}

/** One mean and one deviation for each channel of the tensor. @throws PREPROCESSING_INVALID */
export function checkChannels(preprocessing: Preprocessing, where: string): Preprocessing {
  const channels = CHANNELS[preprocessing.colour];
  for (const key of ["mean", "std"] as const) {
    const count = preprocessing[key].length;
    if (count !== channels) {
      throw invalid(
        `"${key}" of ${where} has ${count} value${count === 1 ? "" : "s"}, the colour ${preprocessing.colour} needs ${channels}`,
        { key },
      );
    }
  }
  return preprocessing;
}

export function invalid(problem: string, details: Readonly<Record<string, unknown>>) {
  return visionErrors.error(
    "PREPROCESSING_INVALID",
    `${problem.charAt(0).toUpperCase()}${problem.slice(1)}${problem.endsWith("?") ? "" : "."}`,
    {
      details,
    },
  );
}
