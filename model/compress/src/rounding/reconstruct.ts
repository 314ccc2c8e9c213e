/**
 * Learns for each weight of a block whether it becomes the level below or above, such that the block makes of what it is
 * fed in the compressed network what it makes in the float one (AdaRound, Nagel et al., 2020; by blocks as BRECQ, Li et
 * al., 2021). Whether that is better than what the block had is judged on images that were kept apart.
 */
import { createRandom, throwIfCancelled } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { biasOf, type Layer } from "../layer.ts";
import type { Variant } from "../search/variants.ts";
import { dequantise } from "../weights/quantised-weights.ts";
import type { BlockImages } from "./block-images.ts";
import { type BlockBatch, type BlockStep, type BlockWeights, openBlockStep } from "./block-step.ts";
import type { Block } from "./blocks.ts";
import type { ClosedForm } from "./closed-form.ts";
import { SoftCodes } from "./soft-codes.ts";

/** One of so many images judges. */
const keptApart = 4;
const mostPerStep = 32;
const learningRate = 0.02;
/** Of the loss, which is 1 for the weights the block had. */
const penalty = 1;
/** Shares are free for this part of the steps. */
const free = 0.2;
const [softest, hardest] = [20, 2];

export interface ReconstructOptions {
  readonly roundingSteps: number;
  readonly seed: number;
  readonly threads: number;
  readonly correctBias: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Reconstructed {
  /** By weight name. */
  readonly variants: ReadonlyMap<string, Variant>;
  /** Mean squared error of the block's output on images kept apart: of what it had, and of these. */
  readonly before: number;
  readonly after: number;
  /** Of the float network's output: what makes the errors relative. */
  readonly power: number;
}

/** @param closed of each layer of the block. @returns null where there are too few images. @throws what `openBlockStep` throws */
export async function reconstruct(
  float: Model,
  block: Block,
  closed: ReadonlyMap<string, ClosedForm>,
  images: BlockImages,
  options: ReconstructOptions,
): Promise<Reconstructed | null> {
  const count = images.inputs.length;
  const judging = Math.floor(count / keptApart);
  const perStep = Math.min(mostPerStep, judging, count - judging);
  if (perStep < 1) return null;
  await using step = await openBlockStep(float, block, perStep, images.dims, options.threads);
  const judges = Array.from({ length: Math.floor(judging / perStep) }, (_, b) =>
    batchOf(
      images,
      Array.from({ length: perStep }, (_, i) => b * perStep + i),
    ),
  );
  const judge = async (weights: ReadonlyMap<string, BlockWeights>) => {
    let sum = 0;
    for (const batch of judges) sum += await step.loss(batch, weights);
    return sum / judges.length;
  };
  const had = new Map(
    block.layers.map((layer) => [layer.weight.name, closed.get(layer.weight.name)!.variant]),
  );
  const before = await judge(weightsOf(had));
  const variants = await learn(step, block, closed, images, judging, perStep, before, options);
  const after = await judge(weightsOf(variants));
  let [power, elements] = [0, 0];
  for (const { wanted } of judges) {
    for (const y of wanted) power += y * y;
    elements += wanted.length;
  }
  return { variants, before, after, power: power / elements };
}

async function learn(
  step: BlockStep,
  { layers }: Block,
  closed: ReadonlyMap<string, ClosedForm>,
  images: BlockImages,
  judging: number,
  perStep: number,
  before: number,
  { roundingSteps: steps, seed, signal, correctBias }: ReconstructOptions,
): Promise<ReadonlyMap<string, Variant>> {
  const soft = layers.map((layer) => {
    const own = closed.get(layer.weight.name)!;
    return { layer, own, codes: new SoftCodes(own.variant.weights, own.target) };
  });
  const random = createRandom(seed);
  const unit = before > 0 ? before : 1;
  for (let n = 0; n < steps; n++) {
    throwIfCancelled(signal, "Rounding weights");
    const chosen = Array.from(
      { length: perStep },
      () => judging + random.integer(images.inputs.length - judging),
    );
    const weights = new Map(
      soft.map(({ layer, own, codes }) => {
        const values = codes.weights();
        return [
          layer.weight.name,
          { weights: values, bias: biasFor(layer, own, values, correctBias) },
        ] as const;
      }),
    );
    const gradients = await step.gradients(batchOf(images, chosen), weights);
    const progress = Math.max(0, (n / steps - free) / (1 - free));
    // Half a cosine from soft to hard.
    const sharpness = hardest + ((softest - hardest) * (1 + Math.cos(Math.PI * progress))) / 2;
    for (const { layer, own, codes } of soft) {
      const gradient = gradients.get(layer.weight.name)!;
      codes.step(
        throughBias(layer, own, gradient, correctBias).map((g) => g / unit),
        learningRate,
        n / steps < free ? 0 : penalty,
        sharpness,
      );
    }
  }
  return new Map(
    soft.map(({ layer, own, codes }) => {
      const weights = codes.rounded();
      const bias = biasFor(layer, own, dequantise(weights), correctBias);
      const { variant } = own;
      return [layer.weight.name, { ...variant, weights, bias: variant.bias && bias }] as const;
    }),
  );
}

function weightsOf(variants: ReadonlyMap<string, Variant>): Map<string, BlockWeights> {
  return new Map(
    [...variants].map(([name, { weights, bias }]) => [name, { weights: dequantise(weights), bias }]),
  );
}

/** The bias that keeps the mean of the layer's output what it is with the weights the layer had. */
function biasFor(
  layer: Layer,
  { variant, means }: ClosedForm,
  weights: Float32Array,
  correctBias: boolean,
): Float32Array | null {
  if (layer.node.is("MatMul")) return null;
  const bias = variant.bias ?? biasOf(layer);
  if (!correctBias) return bias;
  const had = dequantise(variant.weights);
  const { rows, columns, groups } = layer;
  return bias.map((b, row) => {
    const ofGroup = Math.floor(row / (rows / groups)) * columns;
    let shift = 0;
    for (let k = 0; k < columns; k++)
      shift += (weights[row * columns + k]! - had[row * columns + k]!) * means[ofGroup + k]!;
    return b - shift;
  });
}

/** The gradient by the weights where the bias follows them. */
function throughBias(
  { rows, columns, groups }: Layer,
  { means }: ClosedForm,
  { weights, bias }: BlockWeights,
  correctBias: boolean,
): Float32Array {
  if (!bias || !correctBias) return weights;
  const all = weights.slice();
  for (let row = 0; row < rows; row++) {
    const ofGroup = Math.floor(row / (rows / groups)) * columns;
    for (let k = 0; k < columns; k++) all[row * columns + k]! -= bias[row]! * means[ofGroup + k]!;
  }
  return all;
}

function batchOf({ inputs, outputs }: BlockImages, chosen: readonly number[]): BlockBatch {
  return { input: joined(inputs, chosen), wanted: joined(outputs, chosen) };
}

function joined(parts: readonly Float32Array[], chosen: readonly number[]): Float32Array {
  const size = parts[0]!.length;
  const all = new Float32Array(size * chosen.length);
  for (const [at, index] of chosen.entries()) all.set(parts[index]!, at * size);
  return all;
}
