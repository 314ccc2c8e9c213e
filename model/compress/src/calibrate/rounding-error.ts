/**
 * How far the outputs of a model move on a few images when its activations are rounded to given scales, and its
 * weights to the nearest of 255 levels a row. The sum over a whole network is what counts in the end: the
 * error of one activation says little where a network lives on its peaks, or where errors agree in sign.
 */
import { bytesOf, cloneModel, type Model, Tensor } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type openSession } from "@cupel/runtime";
import { batches, type ImageSource, type Preprocessing, tensorDims } from "@cupel/vision";
import { emitQdq } from "../emit/emit-qdq.ts";
import { inOperatorLayout, type Layer, weightedLayers, weightRows } from "../layer.ts";
import type { ActivationScale } from "./activation-scale.ts";
import { openTuned } from "./open-tuned.ts";

export interface TrialContext {
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open: typeof openSession | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Images that choices are made by. */
export const trialImages = 16;

/** The float32 outputs of each run, one behind the other. Images that cannot be read are left out. */
export type Outputs = readonly Float32Array[];

/** @param make called once; its model is not held. */
export async function outputsOf(make: () => Model, context: TrialContext): Promise<Outputs> {
  const { images, preprocessing, signal } = context;
  await using opened = await openTuned(make, context);
  const { session } = opened;
  const outputs: Float32Array[] = [];
  const batchSize = imagesPerRun(imageInputOf(session.inputs), tensorDims(preprocessing, 1), 1);
  for await (const batch of batches(images, preprocessing, { batchSize, signal })) {
    const tensors = await runImages(session, batch);
    for (const tensor of Object.values(tensors)) {
      if (tensor.type === "float32") outputs.push(float32Of(tensor));
    }
  }
  return outputs;
}

/** `model` is left as it is, and MUST stay so while the copy is used. */
export function withRoundedWeights(model: Model): Model {
  const copy = cloneModel(model);
  for (const layer of weightedLayers(model.graph)) {
    const { weight } = layer;
    const { dims } = weight.constant!;
    // Computed when they are written: a second copy of all weights would lie in memory until then.
    const rounded = Tensor.made("float32", dims, () => bytesOf(inOperatorLayout(layer, roundedRows(layer))));
    copy.graph.setConstant(copy.graph.value(weight.name)!, rounded);
  }
  return copy;
}

function roundedRows(layer: Layer): Float32Array {
  const rows = weightRows(layer);
  for (let row = 0; row < layer.rows; row++) {
    roundInPlace(rows.subarray(row * layer.columns, (row + 1) * layer.columns));
  }
  return rows;
}

/**
 * The layers run in float, fenced: left to itself, the engine would round their weights once more, with one scale
 * for all of a layer, and of Conv -> Clip it makes a file it refuses.
 *
 * @param scales by value name, of values of `model`, which is left as it is.
 */
export function withRoundedActivations(model: Model, scales: ReadonlyMap<string, ActivationScale>): Model {
  const copy = cloneModel(model);
  const values = [...copy.graph.values()].filter(({ name }) => scales.has(name));
  emitQdq(copy, { values, activations: scales, weights: new Map(), integer: new Set() });
  return copy;
}

function roundInPlace(weights: Float32Array): void {
  let largest = 0;
  for (const w of weights) largest = Math.max(largest, Math.abs(w));
  if (largest === 0) return;
  const scale = largest / 127;
  for (let i = 0; i < weights.length; i++) weights[i] = Math.round(weights[i]! / scale) * scale;
}

/**
 * Power of the difference over that of the reference, of all outputs of all runs together: what is told as signal to
 * noise. A mean over images would be that of those where the outputs are next to nothing. Above 1, or not finite, the
 * outputs are lost: 1.
 */
export function relativeError(reference: Outputs, outputs: Outputs): number {
  let [signal, error] = [0, 0];
  for (const [i, values] of reference.entries()) {
    const others = outputs[i]!;
    for (let k = 0; k < values.length; k++) {
      signal += values[k]! ** 2;
      error += (values[k]! - others[k]!) ** 2;
    }
  }
  if (error === 0) return 0;
  return error <= signal ? error / signal : 1;
}
