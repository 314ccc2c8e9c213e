/** A configuration becomes the options of `fit`: those that do not depend on the images. */
import { join } from "node:path";
import { starPattern } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { parseAugmentation } from "@cupel/vision";
import { trainErrors } from "../errors.ts";
import type { FitOptions } from "../fit/fit-options.ts";
import type { Schedule } from "../fit/schedule.ts";
import { foldNetwork, type ParameterOptions } from "../step/folded-network.ts";
import type { Optimiser } from "../step/optimiser.ts";
import { type TrainingConfig, type TrainingOption, trainingOptions } from "./training-config.ts";

/** To be completed by `train`, `validation` and `preprocessing`. */
export type ConfiguredFit = Omit<FitOptions, "train" | "validation" | "preprocessing">;

/** Of the folder that `checkpoint` names. */
export function checkpointFileIn(folder: string): string {
  return join(folder, "checkpoint.safetensors");
}

/**
 * @param network whose parameters `freeze` names
 * @throws AUGMENTATION_INVALID, and TRAINING_CONFIG_INVALID for options that contradict each other; its details
 * have the `option` and the `problem` with it
 */
export function fitOptionsOf(config: TrainingConfig, network: Model): ConfiguredFit {
  const defaults = trainingOptions;
  const { patience, threads, clipNorm, replicas = defaults.replicas.default } = config;
  return {
    epochs: config.epochs ?? defaults.epochs.default,
    batch: config.batch ?? defaults.batch.default,
    schedule: scheduleOf(config),
    optimiser: optimiserOf(config),
    loss: { kind: "cross-entropy", smoothing: config.smoothing ?? defaults.smoothing.default },
    augmentation: parseAugmentation(config.augment ?? ""),
    statistics: config.statistics ?? defaults.statistics.default,
    patience,
    metric: config.metric,
    keep: config.keep,
    loader: {
      workers: config.workers ?? defaults.workers.default,
      strict: config.strict ?? defaults.strict.default,
    },
    replicas,
    precision: config.precision ?? defaults.precision.default,
    executionProviders: config.providers?.split(","),
    seed: config.seed ?? defaults.seed.default,
    checkpoint: checkpointOf(config),
    history: config.history,
    ...(threads === undefined ? {} : { threads: Math.max(1, Math.floor(threads / replicas)) }),
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...parameterOptions(config, network),
  };
}

function checkpointOf({ checkpoint, resume = false }: TrainingConfig): FitOptions["checkpoint"] {
  if (checkpoint !== undefined) return { path: checkpointFileIn(checkpoint), resume };
  if (resume) throw invalid("resume", 'needs "checkpoint"');
  return undefined;
}

const learningRates = { sgd: 0.05, adamw: 0.001 } as const;

function scheduleOf({
  schedule: kind = trainingOptions.schedule.default,
  optimiser = trainingOptions.optimiser.default,
  learningRate = learningRates[optimiser],
  warmup,
}: TrainingConfig): Schedule {
  if (kind !== "one-cycle") return { kind, learningRate, warmup: warmup ?? trainingOptions.warmup.default };
  if (warmup !== undefined) throw invalid("warmup", 'cannot be given with "schedule" one-cycle');
  return { kind, learningRate };
}

function optimiserOf({
  optimiser: kind = trainingOptions.optimiser.default,
  momentum,
  weightDecay,
}: TrainingConfig): Optimiser {
  const decay = weightDecay === undefined ? {} : { weightDecay };
  if (kind === "sgd") return { kind, ...decay, ...(momentum === undefined ? {} : { momentum }) };
  if (momentum !== undefined) throw invalid("momentum", "is of sgd");
  return { kind, ...decay };
}

type Matcher = (name: string) => boolean;

/** What freeze, train, tie and untie say of the network's parameters. @throws TRAINING_CONFIG_INVALID when one names nothing */
function parameterOptions(config: TrainingConfig, network: Model): ParameterOptions {
  const matchers = new Map<string, Matcher>();
  let known: readonly string[] | null = null;
  for (const option of ["freeze", "train", "tie", "untie"] as const) {
    const names = config[option];
    if (names === undefined) continue;
    known ??= constantNames(network);
    matchers.set(option, matcherOf(option, names, known));
  }
  const [freeze, train, tie, untie] = ["freeze", "train", "tie", "untie"].map((each) => matchers.get(each));
  return {
    ...(freeze && { trainable: (name) => train?.(name) === true || !freeze(name) }),
    ...(train && { parameters: train }),
    ...((tie || untie) && { tied: (name) => (tie?.(name) ? true : untie?.(name) ? false : undefined) }),
  };
}

/** Those of the file, and those that parameters have once each has its own. */
function constantNames(network: Model): readonly string[] {
  const separated = foldNetwork(network, { tied: () => false }).model;
  return [network, separated].flatMap(({ graph }) => Array.from(graph.initializers, ({ name }) => name));
}

/** @param names separated by commas; `*` stands for anything */
function matcherOf(option: TrainingOption, names: string, known: readonly string[]): Matcher {
  const patterns = names.split(",").map((name) => ({ name, matches: starPattern(name) }));
  const idle = patterns.find(({ matches }) => !known.some((name) => matches(name)));
  if (idle) {
    throw invalid(option, `names no parameter with "${idle.name}"; cupel inspect --layers shows their names`);
  }
  return (name) => patterns.some(({ matches }) => matches(name));
}

function invalid(option: TrainingOption, problem: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `The training cannot begin: "${option}" ${problem}.`, {
    details: { option, problem },
  });
}
