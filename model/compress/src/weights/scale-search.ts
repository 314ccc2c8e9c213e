/**
 * The scale of a row of weights that makes the weighted squared error of rounding least:
 *
 *   min over s of  sum_k h[k] (w[k] - s L(w[k] / s))^2
 *
 * The error is not convex in s, but nearly so around its minimum: a coarse search over shares of the
 * scale that covers the largest weight, a finer one around the best, and last the least-squares scale
 * for the codes found, <w, L> / <L, L>.
 */
import type { RoundingLevels } from "./rounding-levels.ts";

const smallestShare = 0.3;
const coarseSteps = 14;
const fineSteps = 3;

/** @param importance h, one a weight; only ratios matter. @returns a positive scale; 1 for a row of zeros. */
export function bestScale(row: Float32Array, importance: Float32Array, rounding: RoundingLevels): number {
  let largest = 0;
  for (let k = 0; k < row.length; k++) largest = Math.max(largest, Math.abs(row[k]!));
  if (largest === 0) return 1;
  const covering = largest / rounding.reach;
  const coarse = (1 - smallestShare) / coarseSteps;
  let best = { share: 1, error: Number.POSITIVE_INFINITY, scale: covering };
  const consider = (share: number): void => {
    const found = errorAt(row, importance, rounding, covering * share);
    if (found.error < best.error) best = { share, ...found };
  };
  for (let i = 0; i <= coarseSteps; i++) consider(1 - i * coarse);
  const centre = best.share;
  for (let i = 1; i <= fineSteps; i++) {
    const offset = (coarse * i) / (fineSteps + 1);
    consider(centre - offset);
    if (centre + offset <= 1) consider(centre + offset);
  }
  return best.scale;
}

function errorAt(row: Float32Array, importance: Float32Array, rounding: RoundingLevels, scale: number) {
  const { levels } = rounding;
  const perScale = 1 / scale;
  let total = 0;
  let cross = 0;
  let square = 0;
  for (let k = 0; k < row.length; k++) {
    const w = row[k]!;
    const level = levels[rounding.codeOf(w * perScale)]!;
    const weighted = importance[k]! * level;
    total += importance[k]! * w * w;
    cross += weighted * w;
    square += weighted * level;
  }
  // sum h (w - s L)^2, expanded; the same sums give the least-squares scale and its error.
  if (cross > 0 && square > 0) return { error: total - (cross * cross) / square, scale: cross / square };
  return { error: total - 2 * scale * cross + scale * scale * square, scale };
}
