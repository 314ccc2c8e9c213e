/**
 * The scale of a row of weights that makes the weighted squared error of rounding least:
 *
 *   min over s of  sum_k h[k] (w[k] - s L(w[k] / s))^2
 *
 * The error is not convex in s, but nearly so around its minimum: candidates a fixed ratio apart, then
 * ever closer to the best. Each candidate only decides the codes; the scale that goes with them is the
 * least-squares one, <w, L> / <L, L>, and its error follows from the same sums.
 */
import type { LevelBounds } from "./pair-safe-levels.ts";
import type { RoundingLevels } from "./rounding-levels.ts";

/** Between neighbouring candidates of the first sweep; the scale that covers the largest weight is the first. */
const ratio = 0.85;
const sweep = 10;
/** Halvings of the distance to the best candidate. */
const halvings = 4;

export interface FoundScale {
  /** 0 for nothing but zeros, which any scale fits. */
  readonly scale: number;
  /** Weighted squared error of the row. */
  readonly error: number;
}

/**
 * @param importance h, one a weight; only ratios matter. @param least the scale is no smaller.
 * @param boundsAt of integer levels, where they depend on the scale; `rounding` has the levels that are allowed at any.
 */
export function bestScale(
  row: Float32Array,
  importance: Float32Array,
  rounding: RoundingLevels,
  least = 0,
  boundsAt?: (scale: number) => LevelBounds,
): FoundScale {
  let largest = 0;
  let total = 0;
  for (let k = 0; k < row.length; k++) {
    const w = row[k]!;
    largest = Math.max(largest, Math.abs(w));
    total += importance[k]! * w * w;
  }
  if (largest === 0) return { scale: least, error: 0 };

  let best: FoundScale = { scale: least, error: Number.POSITIVE_INFINITY };
  const covering = largest / rounding.maxLevel;
  let centre = covering;
  const consider = (candidate: number): void => {
    const scale = Math.max(candidate, least);
    const sums = boundsAt
      ? sumsOverIntegers(row, importance, boundsAt(scale), 1 / scale)
      : sumsOf(row, importance, rounding, 1 / scale);
    const found = leastSquares(sums, scale, least, total);
    if (found.error >= best.error) return;
    best = found;
    centre = candidate;
  };
  for (let i = 0; i < sweep; i++) consider(covering * ratio ** i);
  for (let i = 1; i <= halvings; i++) {
    const around = centre;
    consider(around * ratio ** (0.5 ** i));
    consider(around / ratio ** (0.5 ** i));
  }
  return best;
}

/** The scale that goes with the codes: sum h (w - s L)^2, expanded. */
function leastSquares({ cross, square }: Sums, scale: number, least: number, total: number): FoundScale {
  const fitted = cross > 0 && square > 0 ? Math.max(least, cross / square) : scale;
  return { scale: fitted, error: total - 2 * fitted * cross + fitted * fitted * square };
}

/** sum h w L and sum h L^2. */
interface Sums {
  readonly cross: number;
  readonly square: number;
}

function sumsOf(
  row: Float32Array,
  importance: Float32Array,
  rounding: RoundingLevels,
  perScale: number,
): Sums {
  const sums = rounding.areConsecutive ? sumsOverIntegers : sumsOverLevels;
  return sums(row, importance, rounding, perScale);
}

/** Adding and taking away 1.5 * 2^52 leaves the nearest integer, several times faster than Math.round. */
const magic = 1.5 * 2 ** 52;

// Two loops rather than one with a choice in it: this is where the time of compressing goes.

function sumsOverIntegers(
  row: Float32Array,
  importance: Float32Array,
  { low, high }: LevelBounds,
  perScale: number,
): Sums {
  let cross = 0;
  let square = 0;
  for (let k = 0; k < row.length; k++) {
    const w = row[k]!;
    const level = Math.min(high, Math.max(low, w * perScale)) + magic - magic;
    const weighted = importance[k]! * level;
    cross += weighted * w;
    square += weighted * level;
  }
  return { cross, square };
}

function sumsOverLevels(
  row: Float32Array,
  importance: Float32Array,
  rounding: RoundingLevels,
  perScale: number,
): Sums {
  const { levels } = rounding;
  let cross = 0;
  let square = 0;
  for (let k = 0; k < row.length; k++) {
    const w = row[k]!;
    const level = levels[rounding.codeOf(w * perScale)]!;
    const weighted = importance[k]! * level;
    cross += weighted * w;
    square += weighted * level;
  }
  return { cross, square };
}
