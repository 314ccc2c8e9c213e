/** Runs a classifier over images and keeps its predictions: the one way accuracy is ever measured here. */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { float32Of, type ModelSource, openSession } from "@cupel/runtime";
import { type BrokenImage, batches, type ImageSource, type Preprocessing, tensorDims } from "@cupel/vision";
import { predictErrors } from "./errors.ts";
import { imagesPerRun, runImages } from "./image-runs.ts";

export interface EvaluateOptions extends WorkOptions {
  /** Images a run, where the model leaves that open. Default: as many as fit 4 MiB, 32 at most. */
  readonly batchSize?: number;
  /** Default: what the session chooses, all cores. */
  readonly threads?: number | undefined;
  /** Fail on the first unreadable image instead of counting it. Default false. */
  readonly strict?: boolean | undefined;
}

/** Predictions for the images that could be read, in the order of the source. */
export interface Evaluation {
  /** Index of each image in its source. */
  readonly indices: readonly number[];
  /** Null where the image has no label. */
  readonly labels: readonly (number | null)[];
  /** Raw model outputs, [images, classes] row-major. */
  readonly scores: Float32Array;
  readonly classes: number;
  /** The class with the highest score, the first of equals. */
  readonly predictions: readonly number[];
  /** Fractions of the labelled images; null when none is labelled. Top-5 is null for five classes or fewer. */
  readonly top1: number | null;
  readonly top5: number | null;
  readonly broken: readonly BrokenImage[];
}

/** Larger runs are no faster, and the engine keeps the memory of the largest. */
const largestBatch = 32;
const bytesPerRun = 4 * 2 ** 20;

function defaultBatch(preprocessing: Preprocessing): number {
  const [, a, b, c] = tensorDims(preprocessing, 1);
  return Math.min(largestBatch, Math.floor(bytesPerRun / (4 * a * b * c)));
}

/** @throws INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED, IMAGES_UNREADABLE, CANCELLED, and what the session throws */
export async function evaluate(
  model: ModelSource,
  images: ImageSource,
  preprocessing: Preprocessing,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  await using session = await openSession(model, { threads: options.threads, signal: options.signal });
  using task = (options.progress ?? silentProgress).start("Evaluating", images.length, "images");
  const input = session.inputs[0]!;
  const output = session.outputs[0]!;
  const stream = batches(images, preprocessing, {
    batchSize: imagesPerRun(input, options.batchSize ?? defaultBatch(preprocessing)),
    strict: options.strict,
    signal: options.signal,
  });
  const indices: number[] = [];
  const labels: (number | null)[] = [];
  const scores: Float32Array[] = [];
  let classes = 0;
  for await (const batch of stream) {
    throwIfCancelled(options.signal, "Evaluation");
    const result = (await runImages(session, input, batch, [output.name]))[output.name]!;
    const values = float32Of(result);
    if (result.dims[0] !== batch.dims[0]) {
      throw predictErrors.error(
        "INPUT_UNSUPPORTED",
        `The output "${output.name}" is not one row of class scores an image: its shape is [${result.dims}].`,
      );
    }
    classes = values.length / batch.dims[0];
    scores.push(values);
    indices.push(...batch.indices);
    labels.push(...batch.labels);
    task.advance(batch.dims[0]);
  }
  checkLabels(labels, classes, images);
  const all = concatenate(scores);
  const rowOf = (i: number) => all.subarray(i * classes, (i + 1) * classes);
  const predictions = indices.map((_, i) => highest(rowOf(i)));
  return {
    indices,
    labels,
    scores: all,
    classes,
    predictions,
    top1: shareOf(labels, (label, i) => predictions[i] === label),
    top5: classes > 5 ? shareOf(labels, (label, i) => rankOf(label, rowOf(i)) < 5) : null,
    broken: stream.broken,
  };
}

function checkLabels(labels: readonly (number | null)[], classes: number, images: ImageSource): void {
  const at = labels.findIndex((label) => label !== null && label >= classes);
  if (at < 0) return;
  throw predictErrors.error(
    "LABEL_OUT_OF_RANGE",
    `${images.location}: label ${labels[at]} is beyond the model's ${classes} classes. ` +
      "Check that labels and model belong together.",
    { details: { label: labels[at], classes } },
  );
}

/** A score that is no number never wins. */
function highest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) {
    if (scores[i]! > scores[best]! || Number.isNaN(scores[best])) best = i;
  }
  return best;
}

/** How many classes come before `label`: those that score higher, and equals of a lower index. */
function rankOf(label: number, scores: Float32Array): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return scores.length;
  let ahead = 0;
  for (const [c, score] of scores.entries()) if (score > own || (score === own && c < label)) ahead++;
  return ahead;
}

/** Share of the labelled images that are right; null when none is labelled. */
function shareOf(
  labels: readonly (number | null)[],
  isRight: (label: number, at: number) => boolean,
): number | null {
  let labelled = 0;
  let right = 0;
  for (const [i, label] of labels.entries()) {
    if (label === null) continue;
    labelled++;
    if (isRight(label, i)) right++;
  }
  return labelled > 0 ? right / labelled : null;
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
