/** Runs a classifier over pictures and keeps its answers: the one way accuracy is ever measured here. */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { float32Of, type ModelSource, openSession } from "@cupel/runtime";
import { type BrokenPicture, batches, type PictureSource, type Preprocessing } from "@cupel/vision";
import { compressErrors } from "../errors.ts";

export interface EvaluateOptions extends WorkOptions {
  /** Pictures a run. Default 32. */
  readonly batchSize?: number;
  /** Default: what the session chooses, all cores. */
  readonly threads?: number | undefined;
  /** Fail on the first unreadable picture instead of counting it. Default false. */
  readonly strict?: boolean | undefined;
}

/** Answers to the pictures that could be read, in the order of the source. */
export interface Evaluation {
  /** Index of each picture in its source. */
  readonly indices: readonly number[];
  /** Null where the picture has no label. */
  readonly labels: readonly (number | null)[];
  /** Raw model outputs, [pictures, classes] row-major. */
  readonly scores: Float32Array;
  readonly classes: number;
  /** The class with the highest score, the first of equals. */
  readonly answers: readonly number[];
  /** Fractions of the labelled pictures; null when none is labelled. Top-5 is null for five classes or fewer. */
  readonly top1: number | null;
  readonly top5: number | null;
  readonly broken: readonly BrokenPicture[];
}

/** @throws INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED, PICTURES_UNREADABLE, CANCELLED, and what the session throws */
export async function evaluate(
  model: ModelSource,
  pictures: PictureSource,
  preprocessing: Preprocessing,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  await using session = await openSession(model, { threads: options.threads, signal: options.signal });
  using task = (options.progress ?? silentProgress).start("Evaluating", pictures.length, "pictures");
  const input = session.inputs[0]!;
  const output = session.outputs[0]!;
  const stream = batches(pictures, preprocessing, {
    batchSize: options.batchSize ?? 32,
    strict: options.strict,
    signal: options.signal,
  });
  const indices: number[] = [];
  const labels: (number | null)[] = [];
  const scores: Float32Array[] = [];
  let classes = 0;
  for await (const batch of stream) {
    throwIfCancelled(options.signal, "Evaluation");
    checkDims(input, batch.dims);
    const feed = { type: "float32" as const, dims: batch.dims, data: batch.data };
    const result = await session.run({ [input.name]: feed }, { fetches: [output.name], transfer: true });
    const values = float32Of(result[output.name]!);
    if (result[output.name]!.dims[0] !== batch.dims[0]) {
      throw compressErrors.error(
        "INPUT_UNSUPPORTED",
        `The output "${output.name}" is not one row of class scores a picture: its shape is [${result[output.name]!.dims}].`,
      );
    }
    classes = values.length / batch.dims[0];
    scores.push(values);
    indices.push(...batch.indices);
    labels.push(...batch.labels);
    task.advance(batch.dims[0]);
  }
  checkLabels(labels, classes, pictures);
  const all = concatenate(scores);
  const answers = indices.map((_, i) => highest(all.subarray(i * classes, (i + 1) * classes)));
  return {
    indices,
    labels,
    scores: all,
    classes,
    answers,
    top1: shareWithin(all, classes, labels, 1),
    top5: classes > 5 ? shareWithin(all, classes, labels, 5) : null,
    broken: stream.broken,
  };
}

/** Says which size differs before the engine would, in words about pictures. */
export function checkDims(
  input: { readonly name: string; readonly dims: readonly (number | string | null)[] },
  dims: readonly number[],
): void {
  const fits =
    input.dims.length === dims.length &&
    input.dims.every((want, axis) => axis === 0 || typeof want !== "number" || want === dims[axis]);
  if (fits) return;
  throw compressErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The model's input "${input.name}" takes [${input.dims.join(", ")}], but the preprocessing makes [${dims.join(", ")}]. ` +
      "Set the size and colour with --preprocessing.",
    { details: { input: input.name, expected: input.dims, given: dims } },
  );
}

function checkLabels(labels: readonly (number | null)[], classes: number, pictures: PictureSource): void {
  const at = labels.findIndex((label) => label !== null && label >= classes);
  if (at < 0) return;
  throw compressErrors.error(
    "LABEL_OUT_OF_RANGE",
    `${pictures.location}: label ${labels[at]} is beyond the model's ${classes} classes. ` +
      "Check that labels and model belong together.",
    { details: { label: labels[at], classes } },
  );
}

function highest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

/** Share of labelled pictures whose label is among the `within` highest scores. */
function shareWithin(
  scores: Float32Array,
  classes: number,
  labels: readonly (number | null)[],
  within: number,
): number | null {
  let labelled = 0;
  let right = 0;
  for (const [i, label] of labels.entries()) {
    if (label === null) continue;
    labelled++;
    const row = scores.subarray(i * classes, (i + 1) * classes);
    const own = row[label]!;
    let ahead = 0;
    for (let c = 0; c < classes; c++) if (row[c]! > own || (row[c] === own && c < label)) ahead++;
    if (ahead < within) right++;
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
