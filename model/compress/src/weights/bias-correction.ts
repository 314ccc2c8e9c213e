/**
 * Rounding weights shifts the mean of a layer's output by (W^ - W) E[x]. The mean of x is known from
 * calibration, so the bias takes the shift back (Nagel et al., "Data-Free Quantization", 2019, section 4.2).
 */
import { biasOf, type Layer } from "../layer.ts";

/**
 * @param rounded what the quantised weights stand for, [O, K].
 * @param means of what each of them multiplies, [groups, K].
 * @param original the float weights, [O, K].
 * @param floatMeans of what those multiply in the float network; default `means`.
 * @returns the corrected bias, [O].
 */
export function correctedBias(
  layer: Layer,
  rounded: Float32Array,
  means: Float64Array,
  original: Float32Array,
  floatMeans: Float64Array = means,
): Float32Array {
  const { rows, columns, groups } = layer;
  return biasOf(layer).map((bias, row) => {
    const ofGroup = Math.floor(row / (rows / groups)) * columns;
    let shift = 0;
    for (let k = 0; k < columns; k++) {
      const i = row * columns + k;
      shift += rounded[i]! * means[ofGroup + k]! - original[i]! * floatMeans[ofGroup + k]!;
    }
    return bias - shift;
  });
}

/**
 * Of each input channel over the calibration images, for each weight that reads it. Padding is taken as if it had the
 * mean of its channel.
 */
export function meansByColumn({ columns, groups, kernelSize }: Layer, means: Float64Array): Float64Array {
  return Float64Array.from({ length: groups * columns }, (_, i) => means[Math.floor(i / kernelSize)]!);
}
