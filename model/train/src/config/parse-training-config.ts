/** Unknown JSON becomes a `TrainingConfig`, or an error that names the key. */
import { conforms, expectation, setOwn, suggest } from "@cupel/base";
import { trainErrors } from "../errors.ts";
import { type TrainingConfig, trainingConfigSchema, trainingOptions } from "./training-config.ts";

export interface ParsedTraining {
  readonly config: TrainingConfig;
  /** Sentences on what was written as in an earlier version. */
  readonly remarks: readonly string[];
}

/**
 * @param where the file, for messages
 * @throws TRAINING_CONFIG_INVALID for what is no object, for an unknown key, and for a value out of range
 */
export function parseTrainingConfig(json: unknown, where: string): ParsedTraining {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(where, "it must be an object with the options as keys");
  }
  const settings: Record<string, unknown> = {};
  const remarks: string[] = [];
  for (const [written, given] of Object.entries(json)) {
    const [key, row] = rowOf(written, where);
    if (Object.hasOwn(settings, key)) throw invalid(where, `"${key}" is given twice`);
    if (key !== written) remarks.push(`${where}: "${written}" is now called "${key}".`);
    const number = typeof given === "string" && given.trim() !== "" ? Number(given) : Number.NaN;
    const isQuoted = conforms(row, number);
    if (isQuoted) remarks.push(`${where}: "${key}" is a number now: write ${number} without quotes.`);
    const value = isQuoted ? number : given;
    if (key !== "network" && !conforms(row, value)) {
      throw invalid(where, `"${key}" must be ${expectation(row)}, not ${JSON.stringify(value)}`);
    }
    setOwn(settings, key, value);
  }
  if (isConfig(settings)) return { config: settings, remarks };
  throw invalid(where, '"network" must say what is trained: a path that ends in .onnx, or a network by name');
}

function isConfig(value: unknown): value is TrainingConfig {
  return conforms(trainingConfigSchema, value);
}

/** By its key, by the one it had in an earlier version, or by the name of the option on the command line. */
function rowOf(written: string, where: string) {
  const rows = Object.entries(trainingOptions);
  const found = rows.find(
    ([key, row]) =>
      key === written || kebabCase(key) === written || ("formerly" in row && row.formerly === written),
  );
  if (found !== undefined) return found;
  const near = suggest(
    written,
    rows.map(([key]) => key),
  );
  throw invalid(where, `there is no "${written}"${near === null ? "" : `; did you mean "${near}"?`}`);
}

/** "learningRate" as "learning-rate". */
export function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function invalid(where: string, problem: string) {
  return trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `The configuration ${where} cannot be used: ${problem}.`,
    { details: { path: where } },
  );
}
