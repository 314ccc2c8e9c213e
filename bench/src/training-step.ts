/**
 * A whole training step (forward, backward, update) against PyTorch's, eager and compiled, on the same two
 * threads, a few steps of each in turn; and against the speed at which the engine convolves at all.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { spreadOf } from "@cupel/base";
import { encodeModelBytes, layersOf, type Model } from "@cupel/onnx";
import { profile } from "@cupel/runtime";
import { openTrainer, resnet18, resnet50 } from "@cupel/train";
import type { Bar, Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { openTorchTraining, type TorchTask, torchVersion } from "./peer/torch-training.ts";
import { randomTrainingBatch } from "./random-training-batch.ts";

const threads = 2;
const rounds = 9;
const stepsARound = 3;
const convolutionRuns = 5;
/** A step is two products for each of the forward pass: gradients of the data and of the weight. */
const passes = 3;
/** The engine's idle threads, and PyTorch's, spin for a while: the other one waits until they sleep. */
const pauseMs = 400;

interface Contest {
  readonly name: string;
  readonly network: Omit<TorchTask, "threads" | "compiled">;
  readonly build: (size: { classes: number; input: readonly [number, number, number] }) => Model;
  /** Least images per second over PyTorch eager's. */
  readonly bar: number;
}

const contests: readonly Contest[] = [
  {
    name: "ResNet-50 width 32, 64x64, batch 32",
    network: { depth: 50, width: 32, channels: 1, classes: 7, size: 64, batch: 32, cifar: false },
    build: (size) => resnet50({ ...size, width: 32 }),
    bar: 1,
  },
  {
    name: "ResNet-18, CIFAR stem, 32x32, batch 64",
    network: { depth: 18, width: 64, channels: 3, classes: 10, size: 32, batch: 64, cifar: true },
    build: (size) => resnet18({ ...size, stem: "cifar" }),
    bar: 0.8,
  },
  {
    name: "ResNet-18, 128x128, batch 16",
    network: { depth: 18, width: 64, channels: 3, classes: 10, size: 128, batch: 16, cifar: false },
    build: (size) => resnet18(size),
    bar: 0.8,
  },
];
/** Over the whole step, as a share of the engine's own forward convolutions. */
const throughputBar = 0.6;

export const trainingStep: Benchmark = {
  name: "training-step",
  claim:
    "Images per second of a training step: at least PyTorch eager's on ResNet-50 (width 32), 0.8 of it on ResNet-18; 60 % of the engine's convolution speed.",
  peer: "PyTorch eager and compiled, two threads, in turn",
  takes: "8 min",
  async run({ print, interpreter, signal }) {
    const torch = await torchVersion(interpreter);
    print(
      torch
        ? `PyTorch ${torch}`
        : "No Python with torch (CUPEL_PYTHON): the engine's convolutions are the only peer.",
    );
    const results: Result[] = [];
    for (const contest of contests) {
      signal.throwIfAborted();
      const result = await measure(contest, torch ? interpreter : null, signal);
      results.push(result);
      print(`${contest.name}\n${table(result)}\n`);
    }
    return {
      kind: "measured",
      figures: { torch, threads, rounds, stepsARound, results },
      bars: results.flatMap(bars),
      quote: results
        .map(
          ({ name, cupel, eager }) =>
            `${name}: ${cupel.imagesPerSecond.toFixed(0)} images/s${eager ? `, ${ratioText(eager.ratio)} PyTorch eager` : ""}`,
        )
        .join("; "),
    };
  },
};

interface Contestant {
  readonly imagesPerSecond: number;
  /** Cupel's images per second over this one's, by round. */
  readonly ratio: ReturnType<typeof spreadOf>;
}

interface Result {
  readonly name: string;
  readonly bar: number;
  readonly parameters: number;
  readonly cupel: { readonly imagesPerSecond: number; readonly gigaMacsPerSecond: number };
  readonly eager: Contestant | null;
  readonly compiled: Contestant | null;
  /** Forward convolutions in the engine, billions of multiply-accumulates a second. */
  readonly convolutions: { readonly constantWeights: number; readonly changingWeights: number };
}

async function measure(
  { name, network, build, bar }: Contest,
  python: string | null,
  signal: AbortSignal,
): Promise<Result> {
  const { batch, channels, size, classes } = network;
  const model = build({ classes, input: [channels, size, size] });
  const macs = layersOf(model).reduce((sum, layer) => sum + (layer.macs ?? 0), 0);
  const convolutions = await convolutionSpeed(model, batch, signal);
  await using trainer = await openTrainer(model, { batch, threads, signal });
  const images = randomTrainingBatch([batch, channels, size, size], classes);
  const cupelSteps = async (count: number) => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await trainer.step(images, 0.01);
      times.push(performance.now() - started);
    }
    return times;
  };
  const open = (compiled: boolean) =>
    python ? openTorchTraining(python, { ...network, threads, compiled }) : null;
  using eager = await open(false);
  using compiled = await open(true);
  for (const peer of [eager, compiled]) {
    if (peer && peer.parameters !== trainer.compiled.parameters) {
      throw new Error(
        `PyTorch's ${name} has ${peer.parameters} parameters, ours ${trainer.compiled.parameters}.`,
      );
    }
  }
  const runners = [cupelSteps, eager?.steps, compiled?.steps];
  const medians: number[][] = runners.map(() => []);
  // The first round warms everything up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [index, steps] of runners.entries()) {
      if (!steps) continue;
      signal.throwIfAborted();
      await sleep(pauseMs);
      const times = await steps(stepsARound);
      if (round > 0) medians[index]!.push(spreadOf(times).median);
    }
  }
  const rate = (times: readonly number[]) => (batch * 1000) / spreadOf(times).median;
  const against = (times: readonly number[]): Contestant | null =>
    times.length === 0
      ? null
      : { imagesPerSecond: rate(times), ratio: spreadOf(times.map((ms, round) => ms / medians[0]![round]!)) };
  const imagesPerSecond = rate(medians[0]!);
  return {
    name,
    bar,
    parameters: trainer.compiled.parameters,
    cupel: { imagesPerSecond, gigaMacsPerSecond: (imagesPerSecond * macs * passes) / 1e9 },
    eager: against(medians[1]!),
    compiled: against(medians[2]!),
    convolutions,
  };
}

/** The forward convolutions alone: with weights the engine may pack ahead, and with weights that change every run. */
async function convolutionSpeed(model: Model, batch: number, signal: AbortSignal) {
  const macs = layersOf(model)
    .filter(({ opType }) => opType === "Conv")
    .reduce((sum, layer) => sum + (layer.macs ?? 0), 0);
  const speed = async (bytes: Uint8Array) => {
    const nodes = await profile(bytes, {
      threads,
      runs: convolutionRuns,
      freeDimensions: { N: batch },
      signal,
    });
    const ms = nodes.filter(({ opType }) => opType === "Conv").reduce((sum, node) => sum + node.meanMs, 0);
    return (macs * batch) / ms / 1e6;
  };
  const constantWeights = await speed(encodeModelBytes(model));
  // A constant that is also an input may be replaced by a caller, so the engine cannot pack it.
  const weights = [...model.graph.nodes].filter((node) => node.is("Conv")).map((node) => node.input(1)!);
  const declared = [...model.graph.inputs];
  model.graph.inputs.push(...weights);
  const changingWeights = await speed(encodeModelBytes(model));
  model.graph.inputs.splice(0, model.graph.inputs.length, ...declared);
  return { constantWeights, changingWeights };
}

function table({ cupel, eager, compiled, convolutions }: Result): string {
  const peer = (contestant: Contestant | null) =>
    contestant ? `${contestant.imagesPerSecond.toFixed(1)}, ${ratioText(contestant.ratio)}` : "-";
  const share = (speed: number) =>
    `${speed.toFixed(0)} GMAC/s, ${((100 * cupel.gigaMacsPerSecond) / speed).toFixed(0)} %`;
  return tableText([
    [
      "images/s",
      "eager, ratio",
      "compiled, ratio",
      "step",
      "Conv, constant weights, share",
      "Conv, changing weights, share",
    ],
    [
      cupel.imagesPerSecond.toFixed(1),
      peer(eager),
      peer(compiled),
      `${cupel.gigaMacsPerSecond.toFixed(0)} GMAC/s`,
      share(convolutions.constantWeights),
      share(convolutions.changingWeights),
    ],
  ]);
}

function bars({ name, bar, cupel, eager, convolutions }: Result): Bar[] {
  const share = cupel.gigaMacsPerSecond / convolutions.changingWeights;
  const throughput: Bar = {
    claim: `${name}: step >= ${100 * throughputBar} % of the engine's forward Conv, weights changing as in training`,
    measured: `${(100 * share).toFixed(0)} %`,
    isMet: share >= throughputBar,
    isExact: false,
  };
  if (!eager) return [throughput];
  return [
    {
      claim: `${name}: >= ${bar}x PyTorch eager`,
      measured: ratioText(eager.ratio),
      isMet: eager.ratio.median >= bar,
      isExact: false,
    },
    throughput,
  ];
}
