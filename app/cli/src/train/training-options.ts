/** The options of `cupel train`: one for each option of a training's configuration, from the same table. */
import { CupelError, type Schema } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import {
  type ConfiguredFit,
  fitOptionsOf,
  isOptionValue,
  kebabCase,
  trainingOptions as rows,
  type TrainingConfig,
  type TrainingOption,
} from "@cupel/train";
import { globals } from "../arguments/global-options.ts";
import { flag, invalid, type Option, value } from "../arguments/option.ts";
import { type Given, missing } from "../arguments/parse.ts";

/** What the command line adds to a row: what stands for the value in the help, and a letter. */
type Placeholders = Readonly<Partial<Record<TrainingOption, readonly [placeholder: string, short?: string]>>>;

const placeholders: Placeholders = {
  data: ["DIR|FILE"],
  labels: ["FILE"],
  labelColumn: ["NAME"],
  classes: ["FILE"],
  validation: ["DIR|FILE|SHARE"],
  out: ["OUT.onnx", "o"],
  warmup: ["STEPS"],
  augment: ["SPEC"],
  freeze: ["NAMES"],
  train: ["NAMES"],
  tie: ["NAMES"],
  untie: ["NAMES"],
  patience: ["EPOCHS"],
  providers: ["LIST"],
  preprocessing: ["SPEC"],
  checkpoint: ["DIR"],
  history: ["DIR"],
  profile: ["DIR"],
};

function option(key: TrainingOption): Option<unknown> {
  const row: Schema & (typeof rows)[TrainingOption] = rows[key];
  const described = {
    name: kebabCase(key),
    summary: row.description,
    ...("formerly" in row ? { formerly: row.formerly } : {}),
  };
  if ("type" in row && row.type === "boolean") return flag(described);
  const [
    placeholder = "enum" in row ? row.enum.join("|") : "type" in row && row.type === "integer" ? "N" : "X",
    short,
  ] = placeholders[key] ?? [];
  const fallback = "otherwise" in row ? row.otherwise : row.default?.toString();
  return value({
    ...described,
    ...(short === undefined ? {} : { short }),
    ...(fallback === undefined ? {} : { fallback }),
    placeholder,
    schema: row,
    isValue: (given): given is TrainingConfig[TrainingOption] => isOptionValue(key, given),
  });
}

const keys = Object.keys(rows).filter((key): key is TrainingOption => Object.hasOwn(rows, key));
const own = keys.filter((key) => key !== "network" && key !== "seed" && key !== "threads");
const byKey: ReadonlyMap<string, Option<unknown>> = new Map([
  ...own.map((key) => [key, option(key)] as const),
  ["seed", globals.seed],
  ["threads", globals.threads],
]);

/** Those of the command; `seed` and `threads` are options of every command. */
export const trainingOptions: readonly Option<unknown>[] = own.map((key) => byKey.get(key)!);

/** @throws ARGUMENT_MISSING */
export function requiredSetting(config: TrainingConfig, key: "data" | "out"): string {
  const setting = config[key];
  if (setting === undefined) throw missing(byKey.get(key)!);
  return setting;
}

/** What was given on the command line, by the keys of a configuration. */
export function settingsOf(given: Given): Readonly<Record<string, unknown>> {
  const present = [...byKey].filter(([, option]) => given.has(option));
  return Object.fromEntries(present.map(([key, option]) => [key, given.get(option)]));
}

/** As `fitOptionsOf`; an error about an option that was given on the command line names it as --option. @throws OPTION_INVALID */
export function chooseFitOptions(given: Given, config: TrainingConfig, network: Model): ConfiguredFit {
  try {
    return fitOptionsOf(config, network);
  } catch (thrown) {
    throw inWordsOfOptions(thrown, given);
  }
}

function inWordsOfOptions(thrown: unknown, given: Given): unknown {
  if (!(thrown instanceof CupelError) || thrown.code !== "TRAINING_CONFIG_INVALID") return thrown;
  const { option: key, problem } = thrown.details;
  const option = typeof key === "string" ? byKey.get(key) : undefined;
  if (option === undefined || typeof problem !== "string" || !given.has(option)) return thrown;
  return invalid(
    option.name,
    problem.replaceAll(/"(\w+)"/g, (quoted, name) =>
      byKey.has(name) ? `--${byKey.get(name)?.name}` : quoted,
    ),
  );
}
