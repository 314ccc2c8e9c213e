/**
 * What pruning adds to 8 bits: ResNet-50 at full width, 85 % of its channels kept, in INT8 and at 4 bits at rest. Time of one
 * image on one thread, all models in turn in the same engine; bytes; and memory of a process that runs one image. Weights are
 * drawn from a seed, so that which channels go says nothing: they are those of the smallest norm in their layer.
 */
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { compress, parseRecipe } from "@cupel/compress";
import { type Model, writeModelFile } from "@cupel/onnx";
import { type Latency, type MemoryReport, measureLatency, measureMemory } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import type { Bar, Benchmark, BenchmarkContext } from "./benchmark.ts";
import { inverse, megabytes, millisecondsText, ratioText, seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";

const images = 32;
const keep = 0.85;
const rounds = 60;
const speedBar = 4.2;
const memoryBar = 5;

export const prunedLatency: Benchmark = {
  name: "pruned-latency",
  claim:
    "ResNet-50 with 85 % of its channels, one thread: INT8 at least 4.2 times as fast as float32; with its weights mapped at least 5 times less memory above a bare process.",
  peer: "the whole model in float32 and in INT8, same engine, runs interleaved; a bare process",
  takes: "4 min",
  async run(context) {
    const { print, signal } = context;
    await using folder = await openTemporaryFolder("bench");
    const model = resnet50();
    const float = await written("float32", model, folder.path);
    const prunedModel = await compressed(model, keep, 8, context);
    const pruned = await written("pruned INT8", prunedModel, folder.path);
    const whole = await written("INT8", await compressed(model, 1, 8, context), folder.path);
    const small = await written("pruned W4", await compressed(model, keep, 4, context), folder.path);
    const mapped = join(folder.path, "mapped", "model.onnx");
    await writeModelFile(prunedModel, mapped, { externalData: {} });
    // Pruned first: ratios are to the first model.
    const measured = await measureLatency(
      [pruned, whole, float].map(({ name, path }) => ({ name, model: path })),
      { threads: 1, runs: rounds, signal },
    );
    const [ours, int8, float32] = measured as [Latency, Latency, Latency];
    const memory = {
      float32: await measureMemory(float.path, { threads: 1, signal }),
      "pruned INT8": await measureMemory(pruned.path, { threads: 1, signal }),
      "pruned INT8, weights mapped": await measureMemory(mapped, { threads: 1, signal }),
    };
    print(`\n${latencyTable(measured)}\n\n${memoryTable(memory)}`);
    const speedup = inverse(float32.ratio);
    const { float32: before, "pruned INT8, weights mapped": after } = memory;
    const lessMemory = (before.aboveBare ?? 0) / (after.aboveBare ?? Number.NaN);
    const lessThanEngine = (before.aboveEngine ?? 0) / (after.aboveEngine ?? Number.NaN);
    const bars: Bar[] = [
      {
        claim: `pruned INT8 >= ${speedBar}x float32, one thread`,
        measured: ratioText(speedup),
        isMet: speedup.median >= speedBar,
        isExact: false,
      },
      {
        claim: `memory above a bare process: float32 >= ${memoryBar}x pruned INT8, weights mapped`,
        measured: `${lessMemory.toFixed(2)}x`,
        isMet: lessMemory >= memoryBar,
        isExact: false,
      },
    ];
    return {
      kind: "measured",
      figures: {
        keep,
        rounds,
        files: [float, whole, pruned, small].map(({ name, bytes }) => ({ name, bytes })),
        latencyMs: Object.fromEntries(measured.map(({ name, latency }) => [name, latency])),
        speedup,
        speedupOfFastest: float32.latency.p10 / ours.latency.p10,
        overInt8: inverse(int8.ratio),
        memory,
      },
      bars,
      quote:
        `ResNet-50 (${megabytes(float.bytes)}) with ${100 * keep} % of its channels as INT8 (${megabytes(pruned.bytes)}) runs ${ratioText(speedup)} as fast as ` +
        `float32 on one thread, ${ratioText(inverse(int8.ratio))} as fast as the whole in INT8; at 4 bits it has ${megabytes(small.bytes)}. ` +
        `A process that runs it with its weights mapped peaks at ${bytesText(after.wholeProcess)} (float32 ${bytesText(memory.float32.wholeProcess)}, ` +
        `bare ${bytesText(memory.float32.bareProcess)}): ${lessMemory.toFixed(2)}x less above the bare one, ${lessThanEngine.toFixed(2)}x above an engine at work on nothing.`,
    };
  },
};

interface Written {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

async function written(name: string, model: Model, folder: string): Promise<Written> {
  const path = join(folder, `${name.replaceAll(" ", "-")}.onnx`);
  const { bytes } = await writeModelFile(model, path);
  return { name, path, bytes };
}

async function compressed(
  model: Model,
  share: number,
  bits: 8 | 4,
  { print, progress, signal }: BenchmarkContext,
): Promise<Model> {
  const started = performance.now();
  const prune = {
    stage: "prune",
    keep: share,
    importance: "norm",
    // No accuracy to keep: what these cost changes no time and no byte.
    compensate: false,
    sensitivity: false,
    rounds: 1,
  };
  const result = await compress(model, {
    images: syntheticImages({ count: images }),
    preprocessing: parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    ),
    recipe: parseRecipe(
      {
        stages: [
          { stage: "clean" },
          ...(share < 1 ? [prune] : []),
          { stage: "calibrate", method: "min-max" },
          { stage: "quantise", bits },
        ],
      },
      "the recipe of the benchmark",
    ),
    progress,
    signal,
  });
  const what = share < 1 ? `${100 * share} % of the channels` : "all channels";
  print(`${what} at ${bits} bits, in ${seconds(performance.now() - started)}`);
  for (const note of result.notes) print(`  ${note}`);
  return result.model;
}

function latencyTable(measured: readonly Latency[]): string {
  return tableText([
    ["one thread", "one image", "pruned INT8 is"],
    ...measured.map(({ name, latency, ratio }) => [
      name,
      millisecondsText(latency),
      `${ratioText(inverse(ratio))} as fast`,
    ]),
  ]);
}

function memoryTable(memory: Readonly<Record<string, MemoryReport>>): string {
  return tableText([
    ["peak of one image", "whole process", "bare process", "above bare", "above idle engine", "anonymous"],
    ...Object.entries(memory).map(([name, report]) => [
      name,
      bytesText(report.wholeProcess),
      bytesText(report.bareProcess),
      bytesText(report.aboveBare),
      bytesText(report.aboveEngine),
      bytesText(report.anonymous),
    ]),
  ]);
}

const bytesText = (bytes: number | null): string => (bytes === null ? "-" : megabytes(bytes));
