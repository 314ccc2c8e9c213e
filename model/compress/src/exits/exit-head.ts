/**
 * What decides at an exit: the mean of every channel and one dense layer, GlobalAveragePool and Gemm. The rest of the
 * network stays as it is, so that the means are the same in every step: they are computed once, by the very graph that
 * is written, and the dense layer alone is trained on them, by distillation from the network's own scores.
 */
import { createRandom, silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { cloneModel, Emitter, type Model, type Value } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type openSession } from "@cupel/runtime";
import { learningRateAt, mlp, openTrainer } from "@cupel/train";
import {
  batches,
  type ImageSource,
  type Preprocessing,
  tensorDims,
  type UnreadableImage,
} from "@cupel/vision";
import { openTuned } from "../calibrate/open-tuned.ts";

/** Of a dense layer from the mean of each channel to each class. */
export interface ExitHead {
  /** [classes, channels], row-major. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** What a network gives for some images. */
export interface SeenImages {
  readonly labels: readonly (number | null)[];
  readonly classes: number;
  /** The network's output, [images, classes] row-major. */
  readonly scores: Float32Array;
  /** By name of the value: the mean of each channel, [images, channels] row-major. */
  readonly means: ReadonlyMap<string, Float32Array>;
}

export interface LookOptions extends WorkOptions {
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly strict: boolean;
  readonly onUnreadable: ((unreadable: UnreadableImage) => void) | undefined;
  readonly open: typeof openSession | undefined;
}

/** Images a run. */
const imagesAtOnce = 32;

/**
 * The value that an exit reads: behind rounding, what the rest of the network reads too.
 * @param name of the value before it is rounded
 */
export function readAtExit({ graph }: Model, name: string): Value {
  const value = graph.value(name)!;
  const [first] = value.consumers;
  if (!first?.is("QuantizeLinear")) return value;
  const dequantise = first.output.consumers.find((node) => node.is("DequantizeLinear"));
  return dequantise?.output ?? value;
}

/** @param names of values of the network, before rounding. `model` is left as it is. */
export async function lookAt(
  model: Model,
  names: readonly string[],
  images: ImageSource,
  options: LookOptions,
): Promise<SeenImages> {
  const { preprocessing, strict, onUnreadable, signal, progress = silentProgress } = options;
  const scoresName = model.graph.outputs[0]!.name;
  const meansNames = new Map<string, string>();
  const make = (): Model => {
    const copy = cloneModel(model);
    const emit = new Emitter(copy, { typed: false });
    for (const name of names) {
      const pooled = emit.op("GlobalAveragePool", [readAtExit(copy, name)]);
      copy.graph.outputs.push(pooled);
      meansNames.set(name, pooled.name);
    }
    return copy;
  };
  await using opened = await openTuned(make, options);
  using task = progress.start("Looking at images for an exit", images.length, "images");
  const batchSize = imagesPerRun(
    imageInputOf(opened.session.inputs),
    tensorDims(preprocessing, 1),
    imagesAtOnce,
  );
  const labels: (number | null)[] = [];
  const scores: Float32Array[] = [];
  const means = new Map(names.map((name) => [name, [] as Float32Array[]]));
  for await (const batch of batches(images, preprocessing, { batchSize, strict, onUnreadable, signal })) {
    throwIfCancelled(signal, "Looking at images for an exit");
    labels.push(...batch.labels);
    const tensors = new Map(Object.entries(await runImages(opened.session, batch)));
    scores.push(float32Of(tensors.get(scoresName)!));
    for (const [name, rows] of means) rows.push(float32Of(tensors.get(meansNames.get(name)!)!));
    task.advance(batch.labels.length);
  }
  const all = joined(scores);
  return {
    labels,
    classes: labels.length === 0 ? 0 : all.length / labels.length,
    scores: all,
    means: new Map([...means].map(([name, rows]) => [name, joined(rows)])),
  };
}

export interface TrainHeadOptions {
  readonly seed: number;
  readonly threads: number;
  /** Whether the network's scores are probabilities already. */
  readonly areProbabilities: boolean;
  readonly signal?: AbortSignal | undefined;
}

const batch = 128;
const steps = 1500;
const learningRate = 0.01;
const weightDecay = 1e-3;
const temperature = 2;
/** Share of the loss that is the network's answer, where images have labels; all of it where they have none. */
const teacherShare = 0.5;

/** On means brought to mean 0 and deviation 1, which the weights then undo. */
export async function trainHead(
  seen: SeenImages,
  name: string,
  options: TrainHeadOptions,
): Promise<ExitHead> {
  const { classes, labels, scores } = seen;
  const count = labels.length;
  const means = seen.means.get(name)!;
  const channels = means.length / count;
  const { offset, deviation } = spreadOfColumns(means, channels);
  const size = Math.min(batch, count);
  const hasLabels = labels.every((label) => label !== null);
  await using trainer = await openTrainer(
    mlp({ inputs: channels, hidden: [], classes, seed: options.seed }),
    {
      batch: size,
      threads: options.threads,
      signal: options.signal,
      loss: { kind: "distillation", temperature, weight: hasLabels ? teacherShare : 1 },
      optimiser: { kind: "adamw", weightDecay },
    },
  );
  const random = createRandom(options.seed);
  let order = random.permutation(count);
  let next = 0;
  for (let step = 0; step < steps; step++) {
    throwIfCancelled(options.signal, "Training an exit");
    if (next + size > count) {
      order = random.permutation(count);
      next = 0;
    }
    const data = new Float32Array(size * channels);
    const teacher = new Float32Array(size * classes);
    const truth = new Int32Array(size);
    for (let row = 0; row < size; row++) {
      const at = order[next + row]!;
      for (let c = 0; c < channels; c++) {
        data[row * channels + c] = (means[at * channels + c]! - offset[c]!) / deviation[c]!;
      }
      const answer = scores.subarray(at * classes, (at + 1) * classes);
      teacher.set(options.areProbabilities ? answer.map(logOf) : answer, row * classes);
      truth[row] = labels[at] ?? largestAt(answer);
    }
    next += size;
    const inputs = { input: { type: "float32", dims: [size, channels], data } } as const;
    const rate = learningRateAt({ kind: "cosine", learningRate }, step, steps);
    await trainer.step({ inputs, teacher, labels: truth }, rate);
  }
  const trained = await trainer.exportModel();
  const parameter = (of: string) => trained.graph.value(of)!.constant!.toFloat32();
  return onMeans(parameter("fc1.weight"), parameter("fc1.bias"), { offset, deviation });
}

interface ColumnSpread {
  readonly offset: Float32Array;
  readonly deviation: Float32Array;
}

/** Mean and deviation of each column; a column that never changes keeps its size. */
function spreadOfColumns(rows: Float32Array, columns: number): ColumnSpread {
  const count = rows.length / columns;
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows.length; i++) sums[i % columns]! += rows[i]! / count;
  for (let i = 0; i < rows.length; i++) squares[i % columns]! += (rows[i]! - sums[i % columns]!) ** 2 / count;
  return {
    offset: Float32Array.from(sums),
    deviation: Float32Array.from(squares, (square) => (square > 0 ? Math.sqrt(square) : 1)),
  };
}

/** W ((x - m) / s) + b = (W / s) x + (b - (W / s) m) */
function onMeans(weight: Float32Array, bias: Float32Array, { offset, deviation }: ColumnSpread): ExitHead {
  const channels = offset.length;
  const scaled = weight.map((w, i) => w / deviation[i % channels]!);
  const shifted = bias.map((b, row) => {
    let sum = b;
    for (let c = 0; c < channels; c++) sum -= scaled[row * channels + c]! * offset[c]!;
    return sum;
  });
  return { weight: scaled, bias: shifted };
}

/** Scores of an exit for means of channels, [images, classes] row-major: what the written layer computes. */
export function scoresOf({ weight, bias }: ExitHead, means: Float32Array): Float32Array {
  const classes = bias.length;
  const channels = weight.length / classes;
  const scores = new Float32Array((means.length / channels) * classes);
  for (let at = 0; at < scores.length; at++) {
    const row = at % classes;
    const image = (at - row) / classes;
    let sum = bias[row]!;
    for (let c = 0; c < channels; c++) sum += weight[row * channels + c]! * means[image * channels + c]!;
    scores[at] = sum;
  }
  return scores;
}

/** A probability of nothing has no logarithm. */
const leastProbability = 1e-7;

function logOf(probability: number): number {
  return Math.log(Math.max(probability, leastProbability));
}

export function largestAt(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
