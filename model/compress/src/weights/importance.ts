/** How much each weight of a row matters: the variance of the input channel it reads, over calibration. */
import type { ChannelMoments } from "../calibrate/channel-moments.ts";
import type { Layer } from "../layer.ts";

/** Keeps channels that never vary from being rounded at no cost at all; relative to the mean variance. */
const floor = 1e-3;

/** @param moments of the layer's input; null weighs all alike. @returns rows' importance, [K], shared within a group. */
export function importanceOf(layer: Layer, moments: ChannelMoments | null): (row: number) => Float32Array {
  const { rows, columns, groups, kernelSize } = layer;
  const channelsPerGroup = columns / kernelSize;
  if (moments?.channels !== groups * channelsPerGroup) {
    const alike = new Float32Array(columns).fill(1);
    return () => alike;
  }
  const variance = moments.variance();
  const least = floor * (variance.reduce((sum, v) => sum + v, 0) / variance.length) || 1;
  const byGroup = Array.from({ length: groups }, (_, group) =>
    Float32Array.from({ length: columns }, (_, k) =>
      Math.max(least, variance[group * channelsPerGroup + Math.floor(k / kernelSize)]!),
    ),
  );
  return (row) => byGroup[Math.floor(row / (rows / groups))]!;
}
