/**
 * Whether a written file is the model that it was written from: the engine opens it as any user would, and its
 * outputs on images are those of the model in memory, run by the same engine with the same options.
 */
import {
  CupelError,
  cancellation,
  type ProgressTask,
  reasonOf,
  silentProgress,
  type WorkOptions,
} from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import type { ModelSource, TensorData, ValueInfo } from "@cupel/runtime";
import type { ImageBatch } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import { areNames, numbersOf } from "./output-numbers.ts";
import {
  type CheckImagesOptions,
  checkRuns,
  type RecordedOutputs,
  type RecordOptions,
  recordOutputs,
} from "./record-outputs.ts";

/** Of an output's range: the same graph in the same engine differs by less, whatever threads add in which order. */
const tolerance = 1e-3;

export interface VerifyWrittenOptions extends CheckImagesOptions, Omit<RecordOptions, "onRun">, WorkOptions {}

export interface VerifiedFile {
  /** What was fed, and what the file answered: the first as many runs as were recorded. */
  readonly runs: readonly ImageBatch[];
  readonly written: RecordedOutputs;
  /** The largest difference from the model in memory, as a share of its output's range. */
  readonly largestDifference: number;
}

/**
 * @param path of the file. @param model it was written from.
 * @throws WRITTEN_FILE_FAILS, WRITTEN_FILE_DIFFERS, IMAGES_UNREADABLE, CANCELLED
 */
export async function verifyWritten(
  path: string,
  model: Model,
  options: VerifyWrittenOptions,
): Promise<VerifiedFile> {
  const runs = await checkRuns(model, options);
  using task = (options.progress ?? silentProgress).start(
    "Checking the written file",
    2 * runs.length,
    "runs",
  );
  // In this order: a graph that the engine cannot run in memory is no file that it can.
  const inMemory = await recorded(encodeModel(model), runs, options, task);
  const written = await recorded(path, runs.slice(0, inMemory.runs.length), options, task);
  assertSameInterface("input", inMemory.inputs, written.inputs);
  assertSameInterface("output", inMemory.outputs, written.outputs);
  let largestDifference = 0;
  for (const { name } of inMemory.outputs) {
    const tensors = (of: RecordedOutputs) => of.runs.map((run) => run[name]!);
    const difference = differenceOf(tensors(inMemory), tensors(written));
    if (!(difference <= tolerance)) throw differs(name, difference, imagesIn(runs));
    largestDifference = Math.max(largestDifference, difference);
  }
  return { runs: runs.slice(0, written.runs.length), written, largestDifference };
}

async function recorded(
  source: ModelSource,
  runs: readonly ImageBatch[],
  options: VerifyWrittenOptions,
  task: ProgressTask,
): Promise<RecordedOutputs> {
  try {
    return await recordOutputs(source, runs, { ...options, onRun: () => task.advance() });
  } catch (thrown) {
    if (options.signal?.aborted) throw cancellation("Checking the written file", options.signal);
    throw predictErrors.error(
      "WRITTEN_FILE_FAILS",
      `The engine cannot run what was written: ${reasonOf(thrown).replace(/\.$/, "")}.`,
      {
        cause: thrown,
        details: { reason: reasonOf(thrown), ...(thrown instanceof CupelError && { code: thrown.code }) },
      },
    );
  }
}

function assertSameInterface(
  what: "input" | "output",
  model: readonly ValueInfo[],
  file: readonly ValueInfo[],
): void {
  const text = (infos: readonly ValueInfo[]) =>
    infos.map(({ name, type, dims }) => `"${name}" ${type} [${dims.join(", ")}]`).join(", ");
  if (text(model) === text(file)) return;
  throw predictErrors.error(
    "WRITTEN_FILE_DIFFERS",
    `The written file is not the model that was measured: its ${what}s are ${text(file)}, not ${text(model)}.`,
  );
}

/**
 * The largest difference of an output over the range it has in `reference`: infinite where shapes, names or
 * what is not finite differ. An output that never changes is measured by its size.
 */
export function differenceOf(reference: readonly TensorData[], other: readonly TensorData[]): number {
  let [low, high, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const [run, tensor] of reference.entries()) {
    const second = other[run];
    if (second?.type !== tensor.type || second.dims.join() !== tensor.dims.join())
      return Number.POSITIVE_INFINITY;
    const [a, b] = [numbersOf(tensor), numbersOf(second)];
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i]!, b[i]!];
      if (Number.isFinite(x)) {
        low = Math.min(low, x);
        high = Math.max(high, x);
      }
      if (Object.is(x, y) || x === y) continue;
      if (!Number.isFinite(x) || !Number.isFinite(y) || areNames(tensor)) return Number.POSITIVE_INFINITY;
      largest = Math.max(largest, Math.abs(x - y));
    }
  }
  if (largest === 0) return 0;
  return largest / (high > low ? high - low : Math.abs(high));
}

/** Each image once. */
export function imagesIn(runs: readonly ImageBatch[]): number {
  return new Set(runs.flatMap(({ indices }) => indices)).size;
}

function differs(output: string, difference: number, images: number) {
  const by = Number.isFinite(difference)
    ? `by up to ${(100 * difference).toPrecision(3)} % of its range, where ${100 * tolerance} % is allowed`
    : "in its shape or in which values are finite or the same";
  return predictErrors.error(
    "WRITTEN_FILE_DIFFERS",
    `The written file is not the model that was measured: its output "${output}" differs ${by}, on ${images} images.`,
    { details: { output, difference: Number.isFinite(difference) ? difference : null, images } },
  );
}

/** For what a batch of one image and its repetition in the next run would count twice. */
export function countedOnce(runs: readonly ImageBatch[]): readonly number[] {
  const isRepeated =
    runs.length > 1 && runs[0]!.indices.length === 1 && runs[1]!.indices[0] === runs[0]!.indices[0];
  return [...runs.keys()].slice(isRepeated ? 1 : 0);
}
