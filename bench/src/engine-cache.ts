import { join } from "node:path";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { type Model, writeModelFile } from "@cupel/onnx";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import type { Bar, Benchmark } from "./benchmark.ts";
import type { CacheProbeOutcome, CacheProbeTask, ProcessMemory } from "./engine-cache-probe.ts";
import { megabytes, millisecondsText, ratioText, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";
import { openProbe } from "./probe.ts";

const rounds = 3;
const threads = 1;

interface Contestant {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

interface Measured {
  readonly name: string;
  readonly bytes: number;
  readonly plainMs: Spread;
  readonly firstMs: Spread;
  readonly secondMs: Spread;
  /** Processor time of each. */
  readonly work: { readonly plain: Spread; readonly first: Spread; readonly second: Spread };
  /** How many times as fast the second start is as one without the cache. */
  readonly faster: Spread;
  /** How many times less processor time it takes. */
  readonly lessWork: Spread;
  readonly runRatio: Spread;
  readonly isSame: boolean;
  /** Of one of two processes, above one of two that have a model of almost nothing. */
  readonly privateBytes: { readonly plain: number; readonly cached: number };
  readonly proportionalBytes: { readonly plain: number; readonly cached: number };
}

export const engineCache: Benchmark = {
  name: "engine-cache",
  claim:
    "ResNet-50: a start with the engine's cache filled takes less processor time than one without; of two processes with the model in float32, each takes less memory of its own by most of the weights.",
  peer: "the same server without the cache",
  takes: "3 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench");
    print("ResNet-50 of full width with weights from a seed, made here; its files are in the system's cache");
    const { small, large } = await writeModels(folder.path, signal);
    using task = progress.start("Starting processes", large.length * rounds, "rounds");
    const bare = await memoryOfPair(small, null, signal);
    const measured: Measured[] = [];
    for (const model of large) {
      measured.push(await measure(model, join(folder.path, model.name), bare, () => task.advance(), signal));
    }
    print(timeTable(measured));
    print(`\n${workTable(measured)}`);
    print(`\n${memoryTable(measured)}`);
    const [float, int8] = measured;
    return {
      kind: "measured",
      figures: { rounds, threads, models: measured },
      bars: [...measured.flatMap(barsOf), sharedBar(float!)],
      quote:
        `a server with ResNet-50 answers first after ${millisecondsText(int8!.secondMs)} in INT8 with the engine's cache, ${millisecondsText(int8!.plainMs)} without ` +
        `(float32: ${millisecondsText(float!.secondMs)} and ${millisecondsText(float!.plainMs)}); each of two processes has ${megabytes(int8!.privateBytes.cached)} of its own for it ` +
        `instead of ${megabytes(int8!.privateBytes.plain)} (float32: ${megabytes(float!.privateBytes.cached)} instead of ${megabytes(float!.privateBytes.plain)}).`,
    };
  },
};

async function measure(
  model: Contestant,
  cacheRoot: string,
  bare: ProcessMemory,
  advance: () => void,
  signal: AbortSignal,
): Promise<Measured> {
  const plain: CacheProbeOutcome[] = [];
  const first: CacheProbeOutcome[] = [];
  const second: CacheProbeOutcome[] = [];
  for (let round = 0; round < rounds; round++) {
    const cacheFolder = `${cacheRoot}-${round}`;
    plain.push(await outcomeOf(model, null, signal));
    first.push(await outcomeOf(model, cacheFolder, signal));
    second.push(await outcomeOf(model, cacheFolder, signal));
    advance();
  }
  const alone = await memoryOfPair(model, null, signal);
  const shared = await memoryOfPair(model, `${cacheRoot}-0`, signal);
  const ms = (outcomes: readonly CacheProbeOutcome[]) => outcomes.map(({ firstAnswerMs }) => firstAnswerMs);
  const work = (outcomes: readonly CacheProbeOutcome[]) => outcomes.map(({ processorMs }) => processorMs);
  return {
    name: model.name,
    bytes: model.bytes,
    plainMs: spreadOf(ms(plain)),
    firstMs: spreadOf(ms(first)),
    secondMs: spreadOf(ms(second)),
    work: { plain: spreadOf(work(plain)), first: spreadOf(work(first)), second: spreadOf(work(second)) },
    lessWork: spreadOf(second.map(({ processorMs }, i) => plain[i]!.processorMs / processorMs)),
    faster: spreadOf(second.map(({ firstAnswerMs }, i) => plain[i]!.firstAnswerMs / firstAnswerMs)),
    runRatio: spreadOf(second.map(({ medianRunMs }, i) => plain[i]!.medianRunMs / medianRunMs)),
    isSame: new Set([...plain, ...first, ...second].map(({ sum }) => sum)).size === 1,
    privateBytes: {
      plain: alone.privateBytes - bare.privateBytes,
      cached: shared.privateBytes - bare.privateBytes,
    },
    proportionalBytes: {
      plain: alone.proportionalBytes - bare.proportionalBytes,
      cached: shared.proportionalBytes - bare.proportionalBytes,
    },
  };
}

async function writeModels(folder: string, signal: AbortSignal) {
  const write = async (name: string, model: Model): Promise<Contestant> => {
    const path = join(folder, `${name}.onnx`);
    const { bytes } = await writeModelFile(model, path);
    return { name, path, bytes };
  };
  const model = resnet50();
  const float = await write("float32", model);
  const { model: quantised } = await compress(model, {
    images: syntheticImages({ count: 16 }),
    preprocessing: parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    ),
    recipe: defaultRecipe(8),
    signal,
  });
  return {
    small: await write("small", resnet50({ width: 1, imageSize: 32, classes: 10 })),
    large: [float, await write("INT8", quantised)],
  };
}

function start({ path }: Contestant, cacheFolder: string | null, signal: AbortSignal) {
  const task: CacheProbeTask = { path, cacheFolder, threads };
  return openProbe<CacheProbeOutcome>("engine-cache-probe.ts", task, signal);
}

async function outcomeOf(model: Contestant, cacheFolder: string | null, signal: AbortSignal) {
  await using probe = await start(model, cacheFolder, signal);
  return probe.outcome;
}

/** Of the first of two that have the model at the same time. */
async function memoryOfPair(
  model: Contestant,
  cacheFolder: string | null,
  signal: AbortSignal,
): Promise<ProcessMemory> {
  await using first = await start(model, cacheFolder, signal);
  await using second = await start(model, cacheFolder, signal);
  void second;
  return await first.ask<ProcessMemory>("memory");
}

function timeTable(measured: readonly Measured[]): string {
  return tableText([
    [
      "first answer of a server",
      "file",
      "without cache",
      "first, fills it",
      "second",
      "times as fast",
      "a run",
    ],
    ...measured.map(({ name, bytes, plainMs, firstMs, secondMs, faster, runRatio }) => [
      name,
      megabytes(bytes),
      millisecondsText(plainMs),
      millisecondsText(firstMs),
      millisecondsText(secondMs),
      ratioText(faster),
      ratioText(runRatio),
    ]),
  ]);
}

function workTable(measured: readonly Measured[]): string {
  return tableText([
    ["processor time until then", "without cache", "first, fills it", "second", "times less"],
    ...measured.map(({ name, work, lessWork }) => [
      name,
      millisecondsText(work.plain),
      millisecondsText(work.first),
      millisecondsText(work.second),
      ratioText(lessWork),
    ]),
  ]);
}

function memoryTable(measured: readonly Measured[]): string {
  return tableText([
    ["for the model, of each of two", "private", "private, cache", "proportional", "proportional, cache"],
    ...measured.map(({ name, privateBytes, proportionalBytes }) => [
      name,
      megabytes(privateBytes.plain),
      megabytes(privateBytes.cached),
      megabytes(proportionalBytes.plain),
      megabytes(proportionalBytes.cached),
    ]),
  ]);
}

function barsOf({ name, lessWork, isSame }: Measured): Bar[] {
  return [
    {
      claim: `${name}: the second start takes less processor time`,
      measured: ratioText(lessWork),
      isMet: lessWork.median > 1,
      isExact: false,
    },
    { claim: `${name}: the same is computed`, measured: isSame ? "yes" : "no", isMet: isSame, isExact: true },
  ];
}

function sharedBar({ name, bytes, privateBytes }: Measured): Bar {
  const saved = privateBytes.plain - privateBytes.cached;
  return {
    claim: `${name}: at least 0.8 of the file's bytes are shared`,
    measured: megabytes(saved),
    isMet: saved >= 0.8 * bytes,
    isExact: false,
  };
}
