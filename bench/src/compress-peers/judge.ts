/** One judge of all models: bytes, accuracy on the same images, what fuses, and latency in one process in turn. */
import { readFile } from "node:fs/promises";
import { constants, zstdCompressSync } from "node:zlib";
import { compareEvaluations, type Evaluation, type EvaluationDifference, evaluate } from "@cupel/predict";
import { type FusionReport, fusionReport, type Latency, measureLatency } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";

export interface Judged {
  readonly bytes: number;
  /** As `zstd -19` would send it. */
  readonly zstdBytes: number;
  readonly evaluation: Evaluation;
  /** Against the float model, on the same images. */
  readonly difference: EvaluationDifference;
  readonly convolutions: FusionReport["convolutions"];
}

export interface JudgeOptions {
  readonly evaluation: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly reference: Evaluation;
  readonly threads: number;
  readonly signal: AbortSignal;
}

const zstdLevel = 19;

export async function judge(path: string, options: JudgeOptions): Promise<Judged> {
  const { evaluation, preprocessing, reference, threads, signal } = options;
  const file = await readFile(path);
  const judged = await evaluate(path, evaluation, preprocessing, { threads, signal });
  return {
    bytes: file.length,
    zstdBytes: zstdCompressSync(file, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } }).length,
    evaluation: judged,
    difference: compareEvaluations(reference, judged),
    convolutions: (await fusionReport(path, { signal })).convolutions,
  };
}

const rounds = 60;
const leastMs = 2000;

/** Of each path by name, the first of which is the float model: ratios are to it. */
export function latenciesOf(
  models: readonly { readonly name: string; readonly model: string }[],
  threads: number,
  signal: AbortSignal,
): Promise<Latency[]> {
  return measureLatency(models, { threads, runs: rounds, leastMs, signal });
}
