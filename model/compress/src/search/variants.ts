/**
 * Every way a layer may be stored, worked out once: at each number of bits its rounded weights, the bias
 * that goes with them, how many bytes that takes, and how much noise it makes.
 */
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import type { ChannelMoments } from "../calibrate/channel-moments.ts";
import { biasOf, type Layer, weightRows } from "../layer.ts";
import { correctedBias, meansByColumn } from "../weights/bias-correction.ts";
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

/** What calibration knows of a layer's input. */
export interface LayerInput {
  /** By channel; null when they are not known. */
  readonly moments: ChannelMoments | null;
  /** Null when the input stays in float. */
  readonly scale: ActivationScale | null;
}

export function variantOf(
  layer: Layer,
  input: LayerInput,
  how: WeightQuantiser & { readonly correctBias: boolean },
): Variant {
  const { rows, columns } = layer;
  const moments =
    input.moments?.channels === layer.groups * (columns / layer.kernelSize) ? input.moments : null;
  // MatMul has no place for a bias.
  const takesBack = how.correctBias && moments !== null && !layer.node.is("MatMul");
  const importance = importanceOf(layer, moments, takesBack);
  const original = weightRows(layer);
  const weights = quantiseWeights(
    {
      weights: original,
      rows,
      columns,
      importanceOf: importance,
      leastScaleOf: leastScaleOf(layer, input.scale),
    },
    how,
  );
  const rounded = dequantise(weights);
  const bias = takesBack
    ? correctedBias(layer, rounded, meansByColumn(layer, moments.mean()), original)
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

/** Half of what 32 bits hold: the other half is for the sums the bias is added to. */
const largestBias = 2 ** 30;
/** Far above where float32 loses digits, far below any weight that matters. */
const smallestScale = 2 ** -100;

/** A bias is stored in units of input scale times weight scale: it bounds the latter where weights are tiny. */
export function leastScaleOf(layer: Layer, input: ActivationScale | null): (row: number) => number {
  const bias = biasOf(layer);
  return (row) =>
    input ? Math.max(smallestScale, Math.abs(bias[row]!) / (input.scale * largestBias)) : smallestScale;
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
