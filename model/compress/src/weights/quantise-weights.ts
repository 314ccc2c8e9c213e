/** Rounds the weights of a layer to few bits: by row, by block within rows, or with one scale for all. */
import { fitLevels } from "./fit-levels.ts";
import { mostLevel, pairSafeLevels } from "./pair-safe-levels.ts";
import { type QuantisedWeights, uniformLevels, type WeightBits } from "./quantised-weights.ts";
import { RoundingLevels } from "./rounding-levels.ts";
import { bestScale } from "./scale-search.ts";

export interface WeightQuantiser {
  readonly bits: WeightBits;
  /** "fitted" follows the distribution of the weights; under 8 bits only, and not with blocks. */
  readonly levels: "uniform" | "fitted";
  /** One scale for each output channel, or one for the layer. */
  readonly granularity: "channel" | "tensor";
  /** Columns that share an integer multiplier on the row's scale; null for none. Under 8 bits only. */
  readonly blockSize: number | null;
  /**
   * Largest magnitude of an int8 weight: 127, or 63 where the processor's sums of two products would overflow. A row of 8
   * bits takes larger levels there too where no two of its weights can overflow (see `pairSafeLevels`).
   */
  readonly maxLevel: 127 | 63;
}

/** The weights of a layer as they lie in [O, K], and how much each matters. */
export interface WeightMatrix {
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** How much the inputs of a row vary, [K]: the diagonal of its Hessian with the mean taken out. */
  readonly importanceOf: (row: number) => Float32Array;
  /** The row's scale MUST NOT be smaller. */
  readonly leastScaleOf: (row: number) => number;
}

export function quantiseWeights(matrix: WeightMatrix, how: WeightQuantiser): QuantisedWeights {
  const { bits } = how;
  if (how.blockSize !== null && bits < 8 && matrix.columns % how.blockSize === 0) {
    return quantiseBlocks(matrix, bits, how.blockSize, how.maxLevel);
  }
  const evenly = new RoundingLevels(uniformLevels(bits, how.maxLevel));
  if (bits === 8 && how.maxLevel < mostLevel && how.granularity === "channel")
    return pairSafe(matrix, evenly);
  const scales = scalesOf(matrix, evenly, how.granularity);
  const even = rounded(matrix, bits, evenly, scales, true);
  if (bits === 8 || how.levels === "uniform") return even;
  const levels = fitLevels(matrix.weights, matrix.columns, scales, bits, matrix.importanceOf, how.maxLevel);
  const fitting = new RoundingLevels(levels);
  const fitted = rounded(matrix, bits, fitting, scalesOf(matrix, fitting, how.granularity), false);
  // One set of levels for all rows may suit few weights worse than even steps do.
  return errorOf(matrix, fitted) < errorOf(matrix, even) ? fitted : even;
}

/** The weighted squared error of rounded weights. What the search for scales tells is a bound: its codes are older. */
function errorOf({ weights, columns, importanceOf }: WeightMatrix, found: QuantisedWeights): number {
  const { codes, levels, scales, rows } = found;
  let error = 0;
  for (let row = 0; row < rows; row++) {
    const importance = importanceOf(row);
    for (let k = 0; k < columns; k++) {
      const i = row * columns + k;
      error += importance[k]! * (weights[i]! - scales[row]! * levels[codes[i]!]!) ** 2;
    }
  }
  return error;
}

/** Any would do: a row of zeros is one in any scale. */
const scaleOfZeros = 1;
/** The smallest float32 with all its digits. Under it a scale loses them, or turns 0 and the levels into no number. */
const leastNormal = 2 ** -126;

/** @returns the scale as a model can hold it; weights too small for one are rounded to 0 */
function storable(scale: number): number {
  return scale < leastNormal ? scaleOfZeros : scale;
}

function scalesOf(
  matrix: WeightMatrix,
  rounding: RoundingLevels,
  granularity: "channel" | "tensor",
): Float32Array {
  const { weights, rows, columns, importanceOf, leastScaleOf } = matrix;
  const allRows = Array.from({ length: rows }, (_, row) => row);
  if (granularity === "tensor") {
    const importance = new Float32Array(weights.length);
    for (const row of allRows) importance.set(importanceOf(row), row * columns);
    const least = allRows.reduce((most, row) => Math.max(most, leastScaleOf(row)), 0);
    const { scale } = bestScale(weights, importance, rounding, least);
    return new Float32Array(rows).fill(storable(scale));
  }
  const found = allRows.map((row) =>
    bestScale(
      weights.subarray(row * columns, (row + 1) * columns),
      importanceOf(row),
      rounding,
      leastScaleOf(row),
    ),
  );
  return Float32Array.from(found, ({ scale }) => storable(scale));
}

function rounded(
  matrix: WeightMatrix,
  bits: WeightBits,
  rounding: RoundingLevels,
  scales: Float32Array,
  uniform: boolean,
): QuantisedWeights {
  const { weights, rows, columns } = matrix;
  const codes = new Uint8Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const perScale = 1 / scales[row]!;
    for (let i = row * columns; i < (row + 1) * columns; i++)
      codes[i] = rounding.codeOf(weights[i]! * perScale);
  }
  return { bits, codes, levels: rounding.levels, uniform, scales, rows, columns, blocks: null };
}

/** Each row in as many levels as none of its weights can overflow with. @param few levels that are safe for any row. */
function pairSafe(matrix: WeightMatrix, few: RoundingLevels): QuantisedWeights {
  const { weights, rows, columns, importanceOf, leastScaleOf } = matrix;
  const codes = new Uint8Array(weights.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = weights.subarray(row * columns, (row + 1) * columns);
    const boundsAt = pairSafeLevels(own);
    const least = leastScaleOf(row);
    scales[row] = storable(bestScale(own, importanceOf(row), few, least, boundsAt).scale);
    const scale = scales[row]!;
    const { low, high } = boundsAt(scale);
    for (let k = 0; k < columns; k++) {
      const level = Math.round(own[k]! / scale);
      codes[row * columns + k] = Math.min(high, Math.max(low, level)) + mostLevel;
    }
  }
  return { bits: 8, codes, levels: uniformLevels(8), uniform: true, scales, rows, columns, blocks: null };
}

/** Four bits hold a multiplier, and 15 times the lowest 4-bit level is still an int8. */
const largestMultiplier = 15;

/** Each block's multiplier is the integer nearest to the block's own best scale over the row's. */
function quantiseBlocks(
  matrix: WeightMatrix,
  bits: WeightBits,
  size: number,
  maxLevel: 127 | 63,
): QuantisedWeights {
  const { weights, rows, columns, importanceOf, leastScaleOf } = matrix;
  const rounding = new RoundingLevels(uniformLevels(bits, maxLevel));
  const most = Math.min(largestMultiplier, Math.floor(maxLevel / rounding.maxLevel));
  const perRow = columns / size;
  const multipliers = new Uint8Array(rows * perRow);
  const scales = new Float32Array(rows);
  const codes = new Uint8Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const importance = importanceOf(row);
    const block = (b: number) => weights.subarray(row * columns + b * size, row * columns + (b + 1) * size);
    const own = Array.from(
      { length: perRow },
      (_, b) => bestScale(block(b), importance.subarray(b * size, (b + 1) * size), rounding).scale,
    );
    scales[row] = Math.max(storable(Math.max(...own) / most), leastScaleOf(row));
    const scale = scales[row]!;
    for (let b = 0; b < perRow; b++) {
      const multiplier = Math.min(most, Math.max(1, Math.round(own[b]! / scale)));
      multipliers[row * perRow + b] = multiplier;
      block(b).forEach((w, k) => {
        codes[row * columns + b * size + k] = rounding.codeOf(w / (scale * multiplier));
      });
    }
  }
  return {
    bits,
    codes,
    levels: rounding.levels,
    uniform: true,
    scales,
    rows,
    columns,
    blocks: { size, multipliers },
  };
}
