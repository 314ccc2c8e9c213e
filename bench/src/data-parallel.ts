/**
 * When replicas pay: two of one engine thread each against one worker with two threads, on the same batch.
 * A worker's threads divide every operator, and wait for each other after each; replicas meet once a step,
 * but then move all gradients and parameters through memory.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { spreadOf } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { mlp, openParallelTrainer, openTrainer, resnet18, resnetCifar, type Trainer } from "@cupel/train";
import type { Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { randomTrainingBatch } from "./random-training-batch.ts";

const workers = 2;
const rounds = 15;
const msARound = 1000;
/** The engine's idle threads spin for a while: the other one waits until they sleep. */
const pauseMs = 400;
const classes = 10;

interface Contest {
  readonly name: string;
  readonly network: Model;
  /** Of the batch. */
  readonly dims: readonly number[];
}

const contests = (): readonly Contest[] => [
  {
    name: "perceptron 784-256-10, batch 64",
    network: mlp({ inputs: 784, hidden: [256], classes }),
    dims: [64, 784],
  },
  {
    name: "ResNet-8 width 8, 32x32, batch 64",
    network: resnetCifar({ depth: 8, width: 8, classes, input: [3, 32, 32] }),
    dims: [64, 3, 32, 32],
  },
  {
    name: "ResNet-18 width 32, CIFAR stem, 32x32, batch 64",
    network: resnet18({ width: 32, classes, input: [3, 32, 32], stem: "cifar" }),
    dims: [64, 3, 32, 32],
  },
];

interface Result {
  readonly name: string;
  readonly parameters: number;
  readonly replicasPerSecond: number;
  readonly threadsPerSecond: number;
  /** Images per second of the replicas over those of the threads, by round. */
  readonly ratio: ReturnType<typeof spreadOf>;
}

export const dataParallel: Benchmark = {
  name: "data-parallel",
  claim: "Images per second of training with two replicas of one thread. No bar: it tells when replicas pay.",
  peer: "one worker with two engine threads, in turn",
  takes: "3 min",
  async run({ print, signal }) {
    const results: Result[] = [];
    for (const contest of contests()) results.push(await measure(contest, signal));
    print(
      tableText([
        ["network", "parameters", "1 worker x 2 threads", "2 replicas x 1 thread", "ratio"],
        ...results.map(({ name, parameters, threadsPerSecond, replicasPerSecond, ratio }) => [
          name,
          parameters.toLocaleString("en-GB"),
          `${threadsPerSecond.toFixed(0)} images/s`,
          `${replicasPerSecond.toFixed(0)} images/s`,
          ratioText(ratio),
        ]),
      ]),
    );
    return {
      kind: "measured",
      figures: { workers, rounds, results },
      bars: [],
      quote: `two replicas of one thread train as fast as one worker of two: ${results
        .map(({ name, ratio }) => `${ratioText(ratio)} on ${name}`)
        .join("; ")}.`,
    };
  },
};

async function measure({ name, network, dims }: Contest, signal: AbortSignal): Promise<Result> {
  const batch = dims[0]!;
  const images = randomTrainingBatch(dims, classes);
  await using threads = await openTrainer(network, { batch, threads: workers, signal });
  await using replicas = await openParallelTrainer(network, { batch, replicas: workers, threads: 1, signal });
  const stepMs = async (trainer: Trainer): Promise<number> => {
    signal.throwIfAborted();
    await sleep(pauseMs);
    const times: number[] = [];
    const since = performance.now();
    while (performance.now() - since < msARound) {
      const started = performance.now();
      await trainer.step(images, 0.01);
      times.push(performance.now() - started);
    }
    return spreadOf(times).median;
  };
  const measured: { readonly threads: number; readonly replicas: number }[] = [];
  // The first round warms everything up and does not count.
  for (let round = 0; round <= rounds; round++) {
    const times = { threads: await stepMs(threads), replicas: await stepMs(replicas) };
    if (round > 0) measured.push(times);
  }
  const rate = (times: readonly number[]) => (batch * 1000) / spreadOf(times).median;
  return {
    name,
    parameters: threads.compiled.parameters,
    threadsPerSecond: rate(measured.map((times) => times.threads)),
    replicasPerSecond: rate(measured.map((times) => times.replicas)),
    ratio: spreadOf(measured.map((times) => times.threads / times.replicas)),
  };
}
