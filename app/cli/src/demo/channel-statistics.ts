/** Mean and variance of each channel over pictures and places: what BatchNormalization would have learnt. */
import { float32Of, type TensorData } from "@cupel/runtime";

export interface ChannelStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** @param maps [N, C, H, W] */
export function channelStatistics(maps: TensorData): ChannelStatistics {
  const [count = 0, channels = 0, height = 0, width = 0] = maps.dims;
  const plane = height * width;
  const values = float32Of(maps);
  const mean = new Float32Array(channels);
  const variance = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < count; n++) {
      const from = (n * channels + c) * plane;
      for (let i = from; i < from + plane; i++) {
        sum += values[i]!;
        squares += values[i]! ** 2;
      }
    }
    const average = sum / (count * plane);
    mean[c] = average;
    variance[c] = Math.max(0, squares / (count * plane) - average ** 2);
  }
  return { mean, variance };
}
