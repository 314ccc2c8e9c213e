/**
 * How much faster INT8 is than float32, and whether W4 at rest costs time: ResNet-50 at full width, one
 * image a run, all models in turn in the same engine.
 */
import { join } from "node:path";
import { openTemporaryFolder, own } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { type Model, writeModelFile } from "@cupel/onnx";
import { type FusionReport, fusionReport, type Latency, measureLatency } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import type { Bar, Benchmark, BenchmarkContext } from "./benchmark.ts";
import { inverse, megabytes, millisecondsText, ratioText, seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";

const images = 128;
const rounds = 60;
const warmup = 5;
const speedBar = 3.3;
const atRestBar = 0.05;

export const int8Latency: Benchmark = {
  name: "int8-latency",
  claim:
    "ResNet-50, one thread: INT8 at least 3.3 times as fast as float32; W4 at rest as fast as INT8 within 5 %; every Conv fused.",
  peer: "the same model in float32, same engine, same threads, runs interleaved",
  takes: "2 min",
  async run(context) {
    await using folder = await openTemporaryFolder("bench");
    const model = resnet50();
    const { bytes } = await writeModelFile(model, join(folder.path, "fp32.onnx"));
    context.print(`float32: ${megabytes(bytes)}`);
    // INT8 first: ratios are to the first model.
    const compressed = [
      await compressTo(model, 8, join(folder.path, "int8.onnx"), context),
      await compressTo(model, 4, join(folder.path, "w4.onnx"), context),
    ] as const;
    const contestants = [
      { name: "INT8", model: join(folder.path, "int8.onnx") },
      { name: "W4 at rest", model: join(folder.path, "w4.onnx") },
      { name: "float32", model: join(folder.path, "fp32.onnx") },
    ];
    const byThreads: ThreadsResult[] = [];
    for (const threads of [1, 2]) {
      const { signal } = context;
      const measured = await measureLatency(contestants, { threads, runs: rounds, warmup, signal });
      byThreads.push(resultOf(threads, measured));
    }
    context.print(`\n${table(byThreads)}`);
    const [single] = byThreads;
    return {
      kind: "measured",
      figures: { float32Bytes: bytes, rounds, compressed, byThreads },
      bars: [...compressed.map(fusionBar), ...timeBars(single!)],
      quote:
        `ResNet-50 (${megabytes(bytes)}) as INT8 (${megabytes(compressed[0].bytes)}) runs ${ratioText(single!.speedup)} as fast as ` +
        `float32 on one thread; at ${megabytes(compressed[1].bytes)} (W4 at rest) it takes ${ratioText(single!.atRest)} INT8's time.`,
    };
  },
};

interface Compressed {
  readonly bits: 8 | 4;
  readonly bytes: number;
  readonly tookMs: number;
  readonly convolutions: FusionReport["convolutions"];
  readonly matrixProducts: FusionReport["matrixProducts"];
  readonly unfused: FusionReport["unfused"];
}

async function compressTo(
  model: Model,
  bits: 8 | 4,
  path: string,
  { print, progress, signal }: BenchmarkContext,
): Promise<Compressed> {
  const started = performance.now();
  const result = await compress(model, {
    images: syntheticImages({ count: images }),
    preprocessing: parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    ),
    recipe: defaultRecipe(bits),
    progress,
    signal,
  });
  const tookMs = performance.now() - started;
  const { bytes } = await writeModelFile(result.model, path);
  const { convolutions, matrixProducts, unfused } = await fusionReport(path, { signal });
  print(
    `W${bits}: ${megabytes(bytes)}, compressed in ${seconds(tookMs)} with ${result.calibration!.images} images; ` +
      `${convolutions.quantised} of ${convolutions.total} convolutions fused`,
  );
  for (const { node, reason } of unfused) print(`  ${node} is not fused: ${reason}`);
  return { bits, bytes, tookMs, convolutions, matrixProducts, unfused };
}

interface ThreadsResult {
  readonly threads: number;
  readonly latencyMs: Readonly<Record<string, Latency["latency"]>>;
  /** float32's time over INT8's, by round. */
  readonly speedup: Latency["ratio"];
  /** W4's time over INT8's, by round. */
  readonly atRest: Latency["ratio"];
  /** Between the 10th percentiles of float32 and INT8: what a disturbed run would say undisturbed. */
  readonly speedupOfFastest: number;
}

function resultOf(threads: number, [int8, atRest, float]: readonly Latency[]): ThreadsResult {
  return {
    threads,
    latencyMs: Object.fromEntries([float!, int8!, atRest!].map(({ name, latency }) => [name, latency])),
    speedup: inverse(float!.ratio),
    atRest: inverse(atRest!.ratio),
    speedupOfFastest: float!.latency.p10 / int8!.latency.p10,
  };
}

function table(results: readonly ThreadsResult[]): string {
  const names = Object.keys(results[0]!.latencyMs);
  return tableText([
    ["threads", ...names, "float32 / INT8", "of the p10s", "W4 / INT8"],
    ...results.map(({ threads, latencyMs, speedup, speedupOfFastest, atRest }) => [
      String(threads),
      ...names.map((name) => millisecondsText(own(latencyMs, name)!)),
      ratioText(speedup),
      `${speedupOfFastest.toFixed(2)}x`,
      ratioText(atRest),
    ]),
  ]);
}

function fusionBar({ bits, convolutions: { total, quantised } }: Compressed): Bar {
  return {
    claim: `W${bits}: every Conv fused`,
    measured: `${quantised} of ${total}`,
    isMet: total > 0 && quantised === total,
    isExact: true,
  };
}

function timeBars({ speedup, atRest }: ThreadsResult): Bar[] {
  return [
    {
      claim: `INT8 >= ${speedBar}x float32, one thread`,
      measured: ratioText(speedup),
      isMet: speedup.median >= speedBar,
      isExact: false,
    },
    {
      claim: "W4 at rest within 5 % of INT8, one thread",
      measured: ratioText(atRest),
      isMet: Math.abs(atRest.median - 1) <= atRestBar,
      isExact: false,
    },
  ];
}
