/** What running the two models costs, measured by the engine on the written files, and on which machine. */
import { readFileSync } from "node:fs";
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import {
  type CpuFeatures,
  engineVersion,
  fusionReport,
  type InputForms,
  type Latency,
  measureLatency,
  measureMemory,
  type NodeTime,
  profile,
} from "@cupel/runtime";
import type { Segment } from "../match/segments.ts";
import { atOnce, inTurn, type ModelPair, sides } from "../model-pair.ts";
import type { FusionReport, LatencyReport, MemoryReport, ReportEnvironment } from "../report-schema.ts";
import { steadyTimes, timeShares } from "./time-share.ts";

export interface CostOptions extends WorkOptions {
  readonly threads: number;
}

/** Rounds of one image: enough for a median that holds still, few enough to wait for. */
const latencyRuns = 30;
/** Several short profiles instead of one long one: a median over them forgets what else the machine did. */
const profiles = 5;
const profileRuns = 4;
/** Processes that measure memory, of each kind. */
const memoryRepeats = 2;
const memoryRuns = 3;

/** @param forms what the models are fed: images of the preprocessing's size. */
export async function latencyOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  { threads, signal, progress }: CostOptions,
): Promise<ModelPair<LatencyReport>> {
  const measured = await measureLatency(
    [
      { name: "original", model: paths.original, inputs: forms.original },
      { name: "compressed", model: paths.compressed, inputs: forms.compressed },
    ],
    { runs: latencyRuns, threads, signal, progress },
  );
  const report = ({ latency }: Latency): LatencyReport => ({
    threads,
    runs: latencyRuns,
    medianMs: latency.median,
    p10Ms: latency.p10,
    p90Ms: latency.p90,
  });
  return { original: report(measured[0]!), compressed: report(measured[1]!) };
}

/** @param forms as for `latencyOf`. */
export async function memoryOf(
  paths: ModelPair<string>,
  forms: ModelPair<InputForms>,
  { threads, signal, progress }: CostOptions,
): Promise<ModelPair<MemoryReport>> {
  using task = (progress ?? silentProgress).start("Measuring memory", 2, "models");
  const repeated = { threads, runs: memoryRuns, repeats: memoryRepeats, signal };
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

/** On one thread: a node's share of the work, not of the wait for a second thread. */
export async function timeSharesOf(
  paths: ModelPair<string>,
  segments: ModelPair<readonly Segment[]>,
  forms: ModelPair<InputForms>,
  { signal, progress }: WorkOptions,
): Promise<ModelPair<(number | null)[]>> {
  using task = (progress ?? silentProgress).start("Profiling", 2 * profiles, "profiles");
  const times = await inTurn(sides, async (side) => {
    const each: NodeTime[][] = [];
    for (let i = 0; i < profiles; i++) {
      each.push(await profile(paths[side], { inputs: forms[side], runs: profileRuns, threads: 1, signal }));
      task.advance();
    }
    return steadyTimes(each);
  });
  return {
    original: timeShares(times.original, segments.original),
    compressed: timeShares(times.compressed, segments.compressed),
  };
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
