/**
 * Every way a layer may be stored, worked out once: at each number of bits its rounded weights, the bias
 * that goes with them, how many bytes that takes, and how much noise it makes.
 */
import type { Calibration } from "../calibrate/calibrate.ts";
import { biasOf, type Layer, weightRows } from "../layer.ts";
import { correctedBias } from "../weights/bias-correction.ts";
import { importanceOf } from "../weights/importance.ts";
import { quantiseWeights, type WeightQuantiser } from "../weights/quantise-weights.ts";
import {
  dequantise,
  type QuantisedWeights,
  storedBytes,
  type WeightBits,
} from "../weights/quantised-weights.ts";

export interface Variant {
  readonly bits: WeightBits;
  readonly weights: QuantisedWeights;
  /** Null when the layer has none and needs none. */
  readonly bias: Float32Array | null;
  /** Codes, scales and levels in the file. */
  readonly bytes: number;
  /** Expected squared error of the output over its variance, inputs taken as uncorrelated. */
  readonly noise: number;
}

export function variantOf(
  layer: Layer,
  calibration: Calibration,
  how: WeightQuantiser & { readonly correctBias: boolean },
): Variant {
  const { rows, columns } = layer;
  const moments = calibration.moments.get(layer.node.input(0)!.name) ?? null;
  const importance = importanceOf(layer, moments);
  const original = weightRows(layer);
  const weights = quantiseWeights({ weights: original, rows, columns, importanceOf: importance }, how);
  const rounded = dequantise(weights);
  // MatMul has no place for a bias.
  const takesBias = layer.bias !== null || !layer.node.is("MatMul");
  const mean = moments?.channels === layer.groups * (columns / layer.kernelSize) ? moments.mean() : null;
  const bias =
    how.correctBias && takesBias && mean
      ? correctedBias(layer, rounded, original, mean)
      : layer.bias
        ? biasOf(layer)
        : null;
  return {
    bits: how.bits,
    weights,
    bias,
    bytes: storedBytes(rows, columns, how.bits, weights.blocks?.size ?? null),
    noise: relativeNoise(original, rounded, columns, importance),
  };
}

function relativeNoise(
  original: Float32Array,
  rounded: Float32Array,
  columns: number,
  importance: (row: number) => Float32Array,
): number {
  let noise = 0;
  let signal = 0;
  for (let start = 0; start < original.length; start += columns) {
    const h = importance(start / columns);
    for (let k = 0; k < columns; k++) {
      const w = original[start + k]!;
      const error = rounded[start + k]! - w;
      noise += h[k]! * error * error;
      signal += h[k]! * w * w;
    }
  }
  return signal > 0 ? noise / signal : 0;
}
