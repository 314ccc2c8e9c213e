/**
 * Rounding weights shifts the mean of a layer's output by (W^ - W) E[x]. The mean of x is known from
 * calibration, so the bias takes the shift back (Nagel et al., "Data-Free Quantization", 2019, section 4.2).
 */
import { biasOf, type Layer } from "../layer.ts";

/**
 * @param rounded what the quantised weights stand for, [O, K].
 * @param original the float weights, [O, K].
 * @param inputMean mean of each input channel over the calibration images.
 * @returns the corrected bias, [O]. Padding is taken as if it had the mean of its channel.
 */
export function correctedBias(
  layer: Layer,
  rounded: Float32Array,
  original: Float32Array,
  inputMean: Float64Array,
): Float32Array {
  const { rows, columns, groups, kernelSize } = layer;
  const channelsPerGroup = columns / kernelSize;
  return biasOf(layer).map((bias, row) => {
    const firstChannel = Math.floor(row / (rows / groups)) * channelsPerGroup;
    let shift = 0;
    for (let k = 0; k < columns; k++) {
      const i = row * columns + k;
      shift += (rounded[i]! - original[i]!) * inputMean[firstChannel + Math.floor(k / kernelSize)]!;
    }
    return bias - shift;
  });
}
