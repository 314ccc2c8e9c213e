/**
 * How much the network's predictions suffer from noise in one layer: the layer alone is rounded coarsely, and
 * the divergence of the predictions on held-out images is divided by the noise put in. For small noise the
 * divergence is quadratic in the perturbation, that is, linear in its power, so one probe a layer
 * predicts every number of bits. It plays the part of the trace of the layer's Hessian in HAWQ (Dong et
 * al., 2019), without a gradient.
 */
import { openTemporaryFolder, type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import { cloneModel, type Model, weightFolder, weightFolderOf } from "@cupel/onnx";
import { evaluate, withoutLabels } from "@cupel/predict";
import type { openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { openSource } from "../calibrate/open-tuned.ts";
import { setBias, setWeightRows, weightedLayers } from "../layer.ts";
import { dequantise } from "../weights/quantised-weights.ts";
import type { Variant } from "./variants.ts";

export interface SensitivityOptions {
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** A layer whose probe changed nothing measurable still costs something: this share of the mean. */
const least = 1e-3;

/**
 * @param probes the variant to try for each layer, by weight name.
 * @returns divergence (nats) for each unit of relative noise, by weight name.
 */
export async function measureSensitivity(
  model: Model,
  probes: ReadonlyMap<string, Variant>,
  options: SensitivityOptions,
): Promise<Map<string, number>> {
  const { preprocessing, threads, open, signal } = options;
  const images = withoutLabels(options.images);
  using task = (options.progress ?? silentProgress).start("Measuring sensitivity", probes.size, "layers");
  // The weights lie in files that all probes read: each is a graph and the weights of one layer.
  await using own = weightFolderOf(model) ? null : await openTemporaryFolder("sensitivity");
  const float = cloneModel(model);
  if (own) await weightFolder(own.path).keep(float, { signal });
  const run = async (make: () => Model) => {
    await using readable = await openSource(make);
    const work = { threads, memoryPattern: false, open, signal };
    return await evaluate(readable.source, images, preprocessing, work);
  };
  const reference = await run(() => float);
  const sensitivity = new Map<string, number>();
  for (const [name, probe] of probes) {
    throwIfCancelled(signal, "Measuring sensitivity");
    task.note(name);
    const { scores } = await run(() => withVariant(float, name, probe));
    const divergence = meanDivergence(reference.scores, scores, reference.classes);
    sensitivity.set(name, probe.noise > 0 ? divergence / probe.noise : 0);
    task.advance();
  }
  const mean =
    [...sensitivity.values()].reduce((sum, value) => sum + value, 0) / Math.max(1, sensitivity.size);
  return new Map([...sensitivity].map(([name, value]) => [name, Math.max(value, least * mean)]));
}

/** The float model with one layer's weights as the variant has them. */
function withVariant(model: Model, name: string, variant: Variant): Model {
  const copy = cloneModel(model);
  const layer = weightedLayers(copy.graph).find((each) => each.weight.name === name)!;
  setWeightRows(copy.graph, layer, dequantise(variant.weights));
  if (variant.bias) setBias(copy.graph, layer, variant.bias);
  return copy;
}

/**
 * How far one model's predictions have moved from another's: mean Kullback-Leibler divergence of the softmax.
 * @param reference and @param other are scores, [images, classes] row-major. @returns nats an image.
 */
export function meanDivergence(reference: Float32Array, other: Float32Array, classes: number): number {
  const images = reference.length / classes;
  let sum = 0;
  for (let n = 0; n < images; n++) {
    const p = logSoftmax(reference.subarray(n * classes, (n + 1) * classes));
    const q = logSoftmax(other.subarray(n * classes, (n + 1) * classes));
    for (let c = 0; c < classes; c++) sum += Math.exp(p[c]!) * (p[c]! - q[c]!);
  }
  return Math.max(0, sum / images);
}

function logSoftmax(scores: Float32Array): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (const score of scores) highest = Math.max(highest, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - highest);
  const log = highest + Math.log(sum);
  return Float64Array.from(scores, (score) => score - log);
}
