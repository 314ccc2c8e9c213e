/**
 * How much each weight of a row matters: the variance over calibration of the input channel it reads, when
 * a corrected bias takes back the shift of the mean; else the mean square.
 */
import type { ChannelMoments } from "../calibrate/channel-moments.ts";
import type { Layer } from "../layer.ts";

/** Keeps channels that never vary from being rounded at no cost at all; relative to the mean variance. */
const floor = 1e-3;

/** @param moments of the layer's input; null weighs all alike. @param centred whether the mean is taken back. @returns rows' importance, [K], shared within a group. */
export function importanceOf(
  layer: Layer,
  moments: ChannelMoments | null,
  centred: boolean,
): (row: number) => Float32Array {
  const { rows, columns, groups, kernelSize } = layer;
  const channelsPerGroup = columns / kernelSize;
  if (moments?.channels !== groups * channelsPerGroup) {
    const alike = new Float32Array(columns).fill(1);
    return () => alike;
  }
  const power = inFloat32(centred ? moments.variance() : moments.meanSquare());
  const least = floor * (power.reduce((sum, v) => sum + v, 0) / power.length) || 1;
  const byGroup = Array.from({ length: groups }, (_, group) =>
    Float32Array.from({ length: columns }, (_, k) =>
      Math.max(least, power[group * channelsPerGroup + Math.floor(k / kernelSize)]!),
    ),
  );
  return (row) => byGroup[Math.floor(row / (rows / groups))]!;
}

/** Only ratios count. Squares of 1e19 and more are brought back by a power of two, which changes no digit. */
function inFloat32(power: Float64Array): Float64Array {
  const largest = power.reduce((a, b) => Math.max(a, b), 0);
  return largest < 2 ** 100 ? power : power.map((v) => v / 2 ** Math.ceil(Math.log2(largest)));
}
