/**
 * What answers at an exit, and what a gate goes by: two dense layers on its features, trained by distillation from the network's
 * own scores. The first, the larger one, has 8-bit weights in the file, which the engine expands once, when it loads it.
 */
import { createRandom, throwIfCancelled } from "@cupel/base";
import { attribute, type Emitter, Tensor, type Value } from "@cupel/onnx";
import { learningRateAt, mlp, openTrainer } from "@cupel/train";
import type { SeenImages } from "./branch-features.ts";

/** scores = second relu(first x + bias) + bias */
export interface BranchHead {
  readonly first: RoundedDense;
  readonly second: Dense;
}

interface Dense {
  /** [outputs, inputs], row-major. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

interface RoundedDense {
  /** [outputs, inputs], row-major. */
  readonly codes: Int8Array;
  /** One an output: a weight is its code times it. */
  readonly scales: Float32Array;
  readonly bias: Float32Array;
}

/** The scores [N, classes] of features [N, features]. @param name what its constants are called by */
export function emitHead(
  emit: Emitter,
  features: Value,
  { first, second }: BranchHead,
  name = "exit",
): Value {
  const { graph } = emit.model;
  const hidden = first.bias.length;
  const codes = graph.addConstant(
    `${name}.first`,
    Tensor.int8([hidden, first.codes.length / hidden], first.codes),
  );
  const scales = graph.addConstant(`${name}.first.scale`, Tensor.float32([hidden, 1], first.scales));
  // A DequantizeLinear would be computed in every run.
  const weight = emit.mul(emit.cast(codes, "float32"), scales);
  const dense = (input: Value, matrix: Value, called: string, bias: Float32Array): Value => {
    const held = graph.addConstant(called, Tensor.float32([bias.length], bias));
    return emit.op("Gemm", [input, matrix, held], { transB: attribute.int(1) });
  };
  const classes = second.bias.length;
  const last = graph.addConstant(`${name}.second`, Tensor.float32([classes, hidden], second.weight));
  const inner = emit.op("Relu", [dense(features, weight, `${name}.first.bias`, first.bias)]);
  return dense(inner, last, `${name}.second.bias`, second.bias);
}

export interface TrainHeadOptions {
  readonly seed: number;
  /** Whether the network's scores are probabilities already. */
  readonly areProbabilities: boolean;
  readonly signal?: AbortSignal | undefined;
}

const hidden = 64;
const batch = 128;
const epochs = 30;
/** Of few images more epochs, of very many fewer. */
const [fewestSteps, mostSteps] = [200, 2000];
const learningRate = 0.003;
const weightDecay = 0.01;
const temperature = 2;
/** Share of the loss that is the network's answer, where images have labels; all of it where they have none. */
const teacherShare = 0.9;

/** A step is too small for a second thread to be worth waking. On features brought to mean 0 and deviation 1, which the weights then undo. */
export async function trainHead(
  seen: SeenImages,
  name: string,
  options: TrainHeadOptions,
): Promise<BranchHead> {
  const { classes, labels, scores } = seen;
  const count = labels.length;
  const inputs = seen.features.get(name)!.length / count;
  const spread = spreadOfColumns(seen.features.get(name)!, inputs);
  const features = normalised(seen.features.get(name)!, spread);
  const size = Math.min(batch, count);
  const steps = Math.max(fewestSteps, Math.min(mostSteps, epochs * Math.floor(count / size)));
  const hasLabels = labels.every((label) => label !== null);
  await using trainer = await openTrainer(mlp({ inputs, hidden: [hidden], classes, seed: options.seed }), {
    batch: size,
    threads: 1,
    signal: options.signal,
    loss: { kind: "distillation", temperature, weight: hasLabels ? teacherShare : 1 },
    optimiser: { kind: "adamw", weightDecay },
  });
  const random = createRandom(options.seed);
  let order = random.permutation(count);
  let next = 0;
  for (let step = 0; step < steps; step++) {
    throwIfCancelled(options.signal, "Training an exit");
    if (next + size > count) {
      order = random.permutation(count);
      next = 0;
    }
    const data = new Float32Array(size * inputs);
    const teacher = new Float32Array(size * classes);
    const truth = new Int32Array(size);
    for (let row = 0; row < size; row++) {
      const at = order[next + row]!;
      data.set(features.subarray(at * inputs, (at + 1) * inputs), row * inputs);
      const answer = scores.subarray(at * classes, (at + 1) * classes);
      teacher.set(options.areProbabilities ? answer.map(logOf) : answer, row * classes);
      truth[row] = labels[at] ?? largestAt(answer);
    }
    next += size;
    const feeds = { input: { type: "float32", dims: [size, inputs], data } } as const;
    const rate = learningRateAt({ kind: "cosine", learningRate }, step, steps);
    await trainer.step({ inputs: feeds, teacher, labels: truth }, rate);
  }
  const trained = await trainer.exportModel();
  const parameter = (of: string) => trained.graph.value(of)!.constant!.toFloat32();
  const first = onFeatures({ weight: parameter("fc1.weight"), bias: parameter("fc1.bias") }, spread);
  return { first: rounded(first), second: { weight: parameter("fc2.weight"), bias: parameter("fc2.bias") } };
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

function normalised(rows: Float32Array, { offset, deviation }: ColumnSpread): Float32Array {
  const columns = offset.length;
  return rows.map((value, i) => (value - offset[i % columns]!) / deviation[i % columns]!);
}

/** W ((x - m) / s) + b = (W / s) x + (b - (W / s) m) */
function onFeatures({ weight, bias }: Dense, { offset, deviation }: ColumnSpread): Dense {
  const inputs = offset.length;
  const scaled = weight.map((w, i) => w / deviation[i % inputs]!);
  const shifted = bias.map((b, row) => b - product(scaled, row, offset, 0));
  return { weight: scaled, bias: shifted };
}

const largestCode = 127;

function rounded({ weight, bias }: Dense): RoundedDense {
  const inputs = weight.length / bias.length;
  const scales = bias.map((_, row) => {
    let largest = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) largest = Math.max(largest, Math.abs(weight[i]!));
    return largest > 0 ? largest / largestCode : 1;
  });
  const codes = Int8Array.from(weight, (w, i) => Math.round(w / scales[Math.floor(i / inputs)]!));
  return { codes, scales, bias };
}

/** Scores of an exit, [images, classes] row-major, as the written layers compute them. */
export function scoresOf({ first, second }: BranchHead, features: Float32Array): Float32Array {
  const [width, classes] = [first.bias.length, second.bias.length];
  const images = features.length / (first.codes.length / width);
  const scores = new Float32Array(images * classes);
  const inner = new Float32Array(width);
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < width; row++) {
      const sum = first.scales[row]! * product(first.codes, row, features, image, features.length / images);
      inner[row] = Math.max(0, sum + first.bias[row]!);
    }
    for (let row = 0; row < classes; row++) {
      scores[image * classes + row] = product(second.weight, row, inner, 0) + second.bias[row]!;
    }
  }
  return scores;
}

/** Of a row of one matrix and one of the other, both of `length` columns. */
function product(
  a: Float32Array | Int8Array,
  rowOfA: number,
  b: Float32Array,
  rowOfB: number,
  length = b.length,
): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[rowOfA * length + i]! * b[rowOfB * length + i]!;
  return sum;
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
