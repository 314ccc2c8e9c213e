/**
 * What is left of sessions, trainers, loaders and profiled runs that nobody closed. They are closed when they are collected
 * (`closeWhenForgotten` of @cupel/base); here they are dropped by the thousand, and what the process holds must not grow.
 */
import type { Worker } from "node:worker_threads";
import { encodeModelBytes } from "@cupel/onnx";
import { withProfiler } from "@cupel/profile";
import { type Growth, openIsolated, openSession, watchMemory } from "@cupel/runtime";
import { mlp, openTrainer } from "@cupel/train";
import { openLoader, preprocessingFor } from "@cupel/vision";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { randomTrainingBatch } from "./random-training-batch.ts";

const sessions = Number(process.env.CUPEL_DROPPED ?? 10_000);
/** Of what is dropped less often: enough for a trend. */
const shareOf = (share: number) => Math.max(60, Math.round(sessions * share));
/** The share of them that comes before memory is looked at. */
const warmUp = 0.05;
const mostGrowth = 5e6;

const network = mlp({ inputs: 4, hidden: [3], classes: 2 });
const model = encodeModelBytes(network);
const batch = randomTrainingBatch([2, 4], 2);
const images = syntheticImages({ count: 4, side: 8 });
const tensors = preprocessingFor([null, 3, 8, 8]);
const threads = 1;

interface Dropped {
  readonly name: string;
  readonly count: number;
  /** Opens one, uses it once and keeps nothing of it. */
  open(): Promise<void>;
}

const kinds: readonly Dropped[] = [
  {
    name: "sessions",
    count: sessions,
    async open() {
      await (await openSession(model, { threads })).run(batch.inputs);
    },
  },
  {
    name: "isolated sessions",
    count: shareOf(0.05),
    async open() {
      await (await openIsolated(model, { threads })).run(batch.inputs);
    },
  },
  {
    name: "trainers",
    count: shareOf(0.2),
    async open() {
      await (await openTrainer(network, { batch: 2, threads })).step(batch, 0.01);
    },
  },
  {
    name: "loaders",
    count: shareOf(0.2),
    async open() {
      for await (const _ of openLoader(images, tensors, { batchSize: 2, workers: 1 }).epoch(0));
    },
  },
  {
    name: "profiled runs",
    count: shareOf(0.05),
    async open() {
      await withProfiler(async ({ open }) => (await open(model, { threads })).run(batch.inputs));
    },
  },
];

interface Measured {
  readonly name: string;
  readonly count: number;
  /** Bytes: the least that was resident in each tenth of those after warm-up. */
  readonly course: readonly number[];
  /** Of resident memory, bytes for one dropped. */
  readonly growth: Growth;
  /** Threads alive at most; nobody but the net ends them. */
  readonly mostThreads: number;
  readonly tookMs: number;
}

export const dropped: Benchmark = {
  name: "dropped",
  claim:
    "10,000 sessions that are dropped without close() grow by less than 5 MB; trainers, loaders and profiled runs beside.",
  peer: "the same process after the first twentieth of them",
  takes: "30 min",
  async run({ print, progress, signal }) {
    const measured: Measured[] = [];
    for (const kind of kinds) {
      using task = progress.start(`Dropping ${kind.name}`, kind.count, kind.name);
      measured.push(await measureDropped(kind, () => task.advance(), signal));
      print(`${kind.count} ${kind.name} in ${seconds(measured.at(-1)!.tookMs)}`);
    }
    const header = [
      "dropped",
      "count",
      "least resident, first tenth",
      "last tenth",
      "each adds (95 %)",
      "threads at most",
    ];
    print(
      tableText([
        header,
        ...measured.map(({ name, count, course, growth, mostThreads }) => [
          name,
          `${count}`,
          megabytes(course[0]!),
          megabytes(course.at(-1)!),
          `${growth.slope.toFixed(0)} bytes (${growth.interval.map((bytes) => bytes.toFixed(0)).join(" .. ")})`,
          `${mostThreads}`,
        ]),
      ]),
    );
    const { count, growth, mostThreads } = measured[0]!;
    const grown = growth.slope * count;
    return {
      kind: "measured",
      figures: { kinds: measured },
      bars: [
        {
          claim: `${count} sessions grow by less than ${megabytes(mostGrowth)}`,
          measured: megabytes(grown),
          isMet: grown < mostGrowth,
          isExact: true,
        },
      ],
      quote: `${count} sessions dropped without close() grow by ${megabytes(grown)}; at most ${mostThreads} of them are alive.`,
    };
  },
};

async function measureDropped(
  { name, count, open }: Dropped,
  done: () => void,
  signal: AbortSignal,
): Promise<Measured> {
  const started = performance.now();
  const alive = new Set<Worker>();
  let mostThreads = 0;
  const began = (worker: Worker) => {
    alive.add(worker);
    mostThreads = Math.max(mostThreads, alive.size);
    worker.once("exit", () => alive.delete(worker));
  };
  process.on("worker", began);
  try {
    const first = Math.ceil(count * warmUp);
    for (let i = 0; i < first; i++) {
      await open();
      done();
    }
    using watch = watchMemory();
    for (let i = first; i < count; i++) {
      signal.throwIfAborted();
      await open();
      done();
      watch.sample(i);
    }
    const { diagnosis, samples } = watch.report();
    if (diagnosis.kind === "too-few-samples") throw new Error(`Too few ${name} for a trend: ${count}.`);
    return {
      name,
      count,
      growth: diagnosis.resident,
      course: Array.from({ length: 10 }, (_, tenth) => {
        const cut = (part: number) => Math.floor((part * samples.length) / 10);
        return Math.min(...samples.slice(cut(tenth), cut(tenth + 1)).map(({ resident }) => resident));
      }),
      mostThreads,
      tookMs: performance.now() - started,
    };
  } finally {
    process.off("worker", began);
  }
}
