/**
 * Calibration by relative entropy (S. Migacz, "8-bit inference with TensorRT", 2017): of all thresholds,
 * the one at which the clipped distribution and its rounding to 128 levels differ least. Works on the
 * magnitudes; the sign returns at the end.
 */
import type { Histogram } from "./histogram.ts";

const targetLevels = 128;
/** Thresholds tried: every eighth bin is finer than the levels themselves. */
const step = 8;

export function entropyRange(histogram: Histogram): [number, number] {
  const { counts, binWidth } = histogram;
  const half = counts.length / 2;
  const magnitudes = Float64Array.from({ length: half }, (_, i) => counts[half + i]! + counts[half - 1 - i]!);
  let used = half;
  while (used > targetLevels && magnitudes[used - 1] === 0) used--;

  let best = used;
  let bestDivergence = Number.POSITIVE_INFINITY;
  for (let threshold = targetLevels; threshold <= used; threshold += step) {
    const divergence = divergenceAt(magnitudes, threshold, used);
    if (divergence < bestDivergence) {
      bestDivergence = divergence;
      best = threshold;
    }
  }
  const bound = best * binWidth;
  return [Math.max(Math.min(0, histogram.min), -bound), Math.min(Math.max(0, histogram.max), bound)];
}

/** KL(P || Q): P is clipped into `threshold` bins, Q its 128-level form spread over the bins P fills. */
function divergenceAt(magnitudes: Float64Array, threshold: number, used: number): number {
  let clipped = 0;
  for (let i = threshold; i < used; i++) clipped += magnitudes[i]!;
  let total = clipped;
  for (let i = 0; i < threshold; i++) total += magnitudes[i]!;
  if (total === 0) return Number.POSITIVE_INFINITY;
  let divergence = 0;
  for (let level = 0; level < targetLevels; level++) {
    const from = Math.floor((level * threshold) / targetLevels);
    const to = Math.floor(((level + 1) * threshold) / targetLevels);
    let sum = 0;
    let filled = 0;
    for (let i = from; i < to; i++) {
      sum += magnitudes[i]!;
      if (magnitudes[i]! > 0) filled++;
    }
    for (let i = from; i < to; i++) {
      const p = (magnitudes[i]! + (i === threshold - 1 ? clipped : 0)) / total;
      if (p === 0) continue;
      const q = filled > 0 && magnitudes[i]! > 0 ? sum / filled / (total - clipped) : 1e-12;
      divergence += p * Math.log(p / q);
    }
  }
  return divergence;
}
