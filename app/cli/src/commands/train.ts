/** `cupel train`: images and a network in, a trained model out. */

import { extname, join, parse } from "node:path";
import { assertWritable, lockFile } from "@cupel/base";
import { verifyWritten, writeVerified } from "@cupel/predict";
import { watchMemory } from "@cupel/runtime";
import {
  checkpointFileIn,
  fit,
  historyTableIn,
  networkNames,
  parseNetwork,
  type TrainingConfig,
} from "@cupel/train";
import { modelOutput } from "../arguments/model-output.ts";
import type { Given } from "../arguments/parse.ts";
import { digestOfJson, inputFacts, modelDigest, modelFacts, outputFacts } from "../audit/input-facts.ts";
import { recordOptions } from "../audit/record-options.ts";
import { type FinishedWork, recorded } from "../audit/recorded.ts";
import { openSource } from "../input/image-options.ts";
import { isolationOptions, refuseIsolation, tryIfIsolated } from "../input/isolation.ts";
import { remarkSource, skippedJson } from "../input/source-remarks.ts";
import { UnreadableImages } from "../input/unreadable-images.ts";
import { profiled, profileFiles } from "../profile/profiled.ts";
import { chooseConfig } from "../train/choose-config.ts";
import { chooseNetwork } from "../train/choose-network.ts";
import { epochLine } from "../train/epoch-line.ts";
import { summaryText } from "../train/summary.ts";
import { chooseFitOptions, requiredSetting, trainingOptions } from "../train/training-options.ts";
import type { Command, CommandContext } from "./command.ts";

export const trainCommand: Command = {
  description:
    `Networks by name: ${networkNames.join(", ")}. Parameters follow a colon, such as resnet50:width=32,stem=cifar; ` +
    "classes and input size are those of the images unless given with classes=10 and input=3x64x64. " +
    "The model that is written carries its preprocessing and class names. With the same seed and threads it is the same file, " +
    "also when the training was interrupted and resumed.\n" +
    "Every float constant on a path to the loss is a parameter, but settings of operators, masks, and what has no name of a parameter (such as block.alpha) " +
    "while it is one number or normalises the input; --train and --freeze decide otherwise. Constants that an exporter merged because they were equal " +
    "are trained apart; a matrix of unequal numbers that several layers read is trained as one. --tie and --untie decide otherwise. " +
    "What was done is said, and how many are trained, frozen and constant.\n" +
    'A configuration is JSON with the names of the options in camelCase as keys, and "network" for what is trained; options on the command line take precedence.',
  operands: [
    {
      name: "NETWORK",
      summary: "What is trained: MODEL.onnx, a network by name, or CONFIG.json that says all of it",
    },
  ],
  options: [...trainingOptions, ...isolationOptions, ...Object.values(recordOptions)],
  examples: [
    {
      line: "cupel train resnetCifar:depth=20 --data train-images-idx3-ubyte.gz --validation 0.1 --epochs 12 -o net.onnx",
      says: "a small network from nothing",
    },
    {
      line: "cupel train resnet50.onnx --data parts/ --validation 0.2 --learning-rate 0.005 --freeze 'conv1.*,bn1.*,layer1.*' -o parts.onnx",
      says: "a model trained further, its first layers as they are",
    },
    {
      line: "cupel train net.json --checkpoint run/ --resume -o net.onnx",
      says: "from a configuration; go on where it stopped",
    },
    {
      line: "cupel train resnetCifar:width=8 --data synthetic:700 --epochs 1 --profile profile/ --watch-memory -o demo.onnx",
      says: "where does the time go, and does memory grow?",
    },
  ],
  async run(given, context) {
    const { config, remarks } = await chooseConfig(given);
    for (const sentence of remarks) context.remark(sentence);
    const { network: what, labels, validation } = config;
    // A misspelt name is said before images are looked for.
    if (extname(what) !== ".onnx") parseNetwork(what);
    const path = await modelOutput(requiredSetting(config, "out"), what);
    const checkpointPath = config.checkpoint === undefined ? [] : [checkpointFileIn(config.checkpoint)];
    const history = config.history ?? historyBeside(path);
    await assertWritable([
      path,
      ...checkpointPath,
      historyTableIn(history),
      ...Object.values(profileFiles(config.profile)),
    ]);
    const work = { config, path, history };
    return recorded(
      {
        name: "train",
        about: async () => ({
          object: {
            ...(extname(what) === ".onnx" ? await modelFacts(what, context.signal) : { network: what }),
            ...(await inputFacts(
              { data: config.data, labels, validation: typeof validation === "string" ? validation : null },
              context.signal,
            )),
          },
          context: { settings: digestOfJson(config) },
        }),
        run: () => trained(work, given, context),
      },
      given,
      context,
    );
  },
};

interface TrainingWork {
  readonly config: TrainingConfig;
  /** Of the model to write. */
  readonly path: string;
  readonly history: string;
}

async function trained(
  { config, path, history }: TrainingWork,
  given: Given,
  context: CommandContext,
): Promise<FinishedWork> {
  const { signal, progress, remark, say } = context;
  const { network: what, labels, labelColumn, classes, validation, strict } = config;
  await using lock = await lockFile(path, "training");
  if (lock.remark !== null) remark(lock.remark);
  if (extname(what) === ".onnx") await tryIfIsolated(what, given, { spec: config.preprocessing }, context);
  else refuseIsolation(given);
  const train = await openSource(requiredSetting(config, "data"), { labels, labelColumn, classes, strict });
  remarkSource(train, remark);
  const { network, preprocessing, nameless } = await chooseNetwork(config, train, context);
  const apart =
    typeof validation === "string" ? await openSource(validation, { labelColumn, classes, strict }) : null;
  if (apart) remarkSource(apart, remark);
  const options = {
    ...chooseFitOptions(given, config, network),
    train,
    validation: typeof validation === "string" ? (apart ?? undefined) : validation,
    preprocessing,
    history,
    onNote: remark,
    signal,
    progress,
  };
  let lastStep = 0;
  using watch = config.watchMemory ? watchMemory() : null;
  const { result, profile } = await profiled(config.profile, `${what}, ${train.location}`, (open) =>
    fit(network, {
      ...options,
      open,
      onStep: ({ step }) => {
        lastStep = step;
        watch?.sample(step);
      },
      onEpoch: (epoch, best) => say(epochLine(epoch, best, options.epochs)),
    }),
  );
  const stepsPerEpoch = lastStep / result.history.length;
  const memory = memoryText(watch?.report(stepsPerEpoch).verdict ?? null, profile !== null);
  await lock.assertHeld();
  const { bytes } = await writeVerified(
    result.model,
    path,
    (written) => {
      const { loader, executionProviders: _, ...verification } = options;
      return verifyWritten(written, result.model, {
        ...verification,
        images: train,
        strict: loader?.strict,
      });
    },
    { signal },
  );
  if (nameless !== null) remark(nameless);
  const unreadable = new UnreadableImages();
  unreadable.addAll(result.unreadable);
  const sentence = unreadable.sentence(train);
  if (sentence !== null) remark(sentence);
  const checkpoint = options.checkpoint?.path ?? null;
  const { epoch, stopped, parameters } = result;
  const outcome = {
    json: {
      model: path,
      bytes,
      network: what,
      seed: options.seed,
      epoch,
      stopped,
      labels: nameless === null ? result.labels : "index",
      parameters,
      history: result.history,
      historyFolder: history,
      checkpoint,
      profile,
      memory,
      unreadable: unreadable.toJSON(),
      skipped: skippedJson(...(apart ? [train, apart] : [train])),
    },
    text: summaryText({ path, bytes, result, checkpoint, history, profile, memory }),
  };
  return {
    outcome,
    about: async () => ({
      object: await outputFacts(path, modelDigest),
      context: {
        bytes: String(bytes),
        seed: String(options.seed),
        epochs: String(result.history.length),
        images: String(train.length),
      },
    }),
  };
}

/** net.onnx: net.history. */
function historyBeside(model: string): string {
  const { dir, name } = parse(model);
  return join(dir, `${name}.history`);
}

function memoryText(verdict: string | null, isProfiled: boolean): string | null {
  if (verdict === null || !isProfiled) return verdict;
  return `${verdict} The traces of --profile are among it: watch memory without it.`;
}
