/** The configuration of `cupel train`: a file, options on the command line, or both; options take precedence. */

import { extname } from "node:path";
import { readRegular, reasonOf } from "@cupel/base";
import { type ParsedTraining, parseTrainingConfig, trainErrors } from "@cupel/train";
import { globals } from "../arguments/global-options.ts";
import type { Given } from "../arguments/parse.ts";
import { cliErrors } from "../errors.ts";
import { settingsOf } from "./training-options.ts";

/** @param given whose operand is a network, a model file, or a file that ends in .json. @throws FILE_UNREADABLE, TRAINING_CONFIG_INVALID */
export async function chooseConfig(given: Given): Promise<ParsedTraining> {
  const what = given.operands[0]!;
  const { config, remarks } =
    extname(what) === ".json"
      ? parseTrainingConfig(await readJson(what), what)
      : { config: { network: what }, remarks: [] };
  const threads = config.threads ?? given.get(globals.threads);
  const merged = parseTrainingConfig({ ...config, threads, ...settingsOf(given) }, what);
  return { config: merged.config, remarks };
}

async function readJson(path: string): Promise<unknown> {
  const content = await readRegular(path).catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the configuration ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  });
  try {
    return JSON.parse(content.toString());
  } catch (thrown) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `The configuration ${path} cannot be used: it is not JSON: ${reasonOf(thrown)}.`,
      { cause: thrown, details: { path } },
    );
  }
}
