/** What running the two models costs, measured by the engine on the written files, and on which machine. */
import { readFileSync } from "node:fs";
import {
  type MedianInterval,
  meanRatio,
  silentProgress,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import {
  type CpuFeatures,
  engineVersion,
  type Feeds,
  fusionReport,
  type InputForms,
  type Latency,
  measureLatency,
  measureMemory,
  type NodeTime,
  predictMemory,
  profile,
} from "@cupel/runtime";
import type { Segment } from "../match/segments.ts";
import { atOnce, inTurn, type ModelPair, sides } from "../model-pair.ts";
import type {
  FusionReport,
  LatencyReport,
  MemoryPlanReport,
  MemoryReport,
  ReportEnvironment,
} from "../report-schema.ts";
import { type OperatorTime, operatorTimes } from "./operator-times.ts";
import { steadyTimes, timeShares } from "./time-share.ts";

export interface CostOptions extends WorkOptions {
  readonly threads: number;
}

/** Rounds of one image: enough for a median that holds still, few enough to wait for. */
const latencyRuns = 30;
/** Of fast models more rounds: what interrupts one would decide otherwise. */
const latencyMs = 300;
/** Several short profiles instead of one long one: a median over them forgets what else the machine did. */
const profiles = 5;
const profileRuns = 4;
/** Processes that measure memory, of each kind. */
const memoryRepeats = 2;
const memoryRuns = 3;

export interface MeasuredLatency extends ModelPair<LatencyReport> {
  /** Of the compressed model over the original. */
  readonly timeRatio: MedianInterval;
}

/**
 * @param forms what the models are fed: images of the preprocessing's size.
 * @param feeds of evaluation images, where one of the models does less for some of them: means over these are compared,
 * since a median would tell of one of the ways alone. Null: noise does as well.
 */
export async function latencyOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  feeds: ModelPair<readonly Feeds[]> | null,
  { threads, signal, progress }: CostOptions,
): Promise<MeasuredLatency> {
  const images = feeds?.original.length ?? 1;
  const measured = await measureLatency(
    [
      { name: "original", model: paths.original, inputs: forms.original, feeds: feeds?.original },
      { name: "compressed", model: paths.compressed, inputs: forms.compressed, feeds: feeds?.compressed },
    ],
    {
      // Each image as often as any other.
      runs: images * Math.ceil(latencyRuns / images),
      leastMs: feeds ? 0 : latencyMs,
      threads,
      signal,
      progress,
    },
  );
  const report = ({ latency, runs, times }: Latency): LatencyReport => ({
    threads,
    runs,
    medianMs: latency.median,
    p10Ms: latency.p10,
    p90Ms: latency.p90,
    ...(feeds && { meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length }),
  });
  const [original, compressed] = measured;
  return {
    original: report(original!),
    compressed: report(compressed!),
    timeRatio: feeds ? meanRatio(compressed!.times, original!.times) : compressed!.timeRatio,
  };
}

/** @param forms as for `latencyOf`. */
export async function memoryOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  { threads, signal, progress }: CostOptions,
): Promise<ModelPair<MemoryReport>> {
  using task = (progress ?? silentProgress).start("Measuring memory", 2, "models");
  const repeated = { threads, runs: memoryRuns, repeats: memoryRepeats, idle: false, signal };
  const measure = async (side: keyof ModelPair<string>): Promise<MemoryReport> => {
    throwIfCancelled(signal, "Measuring memory");
    const memory = await measureMemory(paths[side], { ...repeated, inputs: forms[side] });
    task.advance();
    return {
      wholeProcessBytes: memory.wholeProcess,
      aboveBareProcessBytes: memory.aboveBare,
      anonymousBytes: memory.anonymous,
    };
  };
  // At once: what a process holds does not depend on what another does.
  return await atOnce(sides, measure);
}

/** What each will take, by its graph. @param forms as for `latencyOf`. */
export async function memoryPlanOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  { signal, progress }: CostOptions,
): Promise<ModelPair<MemoryPlanReport>> {
  using task = (progress ?? silentProgress).start("Planning memory", 2, "models");
  return await inTurn(sides, async (side) => {
    const { weights, inputs, activations, loading, running } = await predictMemory(paths[side], {
      inputs: forms[side],
      signal,
    });
    task.advance();
    return {
      storedBytes: weights.stored,
      foldedBytes: weights.folded,
      packedBytes: weights.packed,
      inputBytes: inputs,
      activationBytes: activations.peakBytes,
      neededBytes: activations.neededBytes,
      loadingBytes: loading,
      runningBytes: running,
      nodes: activations.steps.map(({ label, heldBytes, neededBytes }) => ({
        node: label,
        heldBytes,
        neededBytes,
      })),
      values: activations.values,
      unsized: activations.unsized,
    };
  });
}

/** On one thread: a node's share of the work, not of the wait for a second thread. */
export async function timeSharesOf(
  paths: ModelPair<string>,
  segments: ModelPair<readonly Segment[]>,
  forms: ModelPair<InputForms>,
  work: WorkOptions,
): Promise<ModelPair<(number | null)[]>> {
  const times = await profilesOf(paths, forms, { ...work, threads: 1 });
  return {
    original: timeShares(steadyTimes(times.original), segments.original),
    compressed: timeShares(steadyTimes(times.compressed), segments.compressed),
  };
}

/** On as many threads as the latency was measured with, which it is to explain. */
export async function operatorTimesOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  work: CostOptions,
): Promise<readonly OperatorTime[]> {
  return operatorTimes(await profilesOf(paths, forms, work));
}

async function profilesOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  { threads, signal, progress }: CostOptions,
): Promise<ModelPair<readonly NodeTime[][]>> {
  using task = (progress ?? silentProgress).start("Profiling", 2 * profiles, "profiles");
  const each: ModelPair<NodeTime[][]> = { original: [], compressed: [] };
  // In turn: what slows the machine for a while slows both.
  for (let i = 0; i < profiles; i++) {
    for (const side of ["original", "compressed"] as const) {
      each[side].push(
        await profile(paths[side], { inputs: forms[side], runs: profileRuns, threads, signal }),
      );
      task.advance();
    }
  }
  return each;
}

export async function fusionOf(path: string, { signal }: WorkOptions): Promise<FusionReport> {
  const { convolutions, unfused } = await fusionReport(path, { signal });
  return {
    convolutions: convolutions.total,
    fused: convolutions.quantised,
    unfused: unfused.map(({ node, reason }) => ({ node, reason })),
  };
}

/** The machine and the versions behind the figures: without them nobody can repeat a measurement. */
export function environmentOf(cpu: CpuFeatures): ReportEnvironment {
  return {
    cupel: packageVersion(),
    node: process.versions.node,
    engine: `onnxruntime-node ${engineVersion()}`,
    cpu: cpu.model,
    cores: cpu.cores,
    features: cpu.features,
  };
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
