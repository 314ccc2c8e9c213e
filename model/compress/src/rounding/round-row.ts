/**
 * The codes of a row of weights that make the error of the layer's output small, by a factor of its inputs' second
 * moments: one weight after the other, each rounded to the level nearest to what it is with the errors before it taken
 * back (GPTQ, Frantar et al., 2022). Of short rows, as depthwise layers have, the best codes of all are searched for.
 */
import type { RoundingLevels } from "../weights/rounding-levels.ts";
import type { TriangularFactor } from "./triangular-factor.ts";

/** What a row may be rounded to: `steps[k] * levels[code]`, with `lowest` <= code <= `highest`. */
export interface RowGrid {
  readonly rounding: RoundingLevels;
  /** By column. */
  readonly steps: Float64Array;
  readonly lowest: number;
  readonly highest: number;
}

export interface RoundedRow {
  /** By column, in the row's own order. */
  readonly codes: Uint8Array;
  /** e^T H e. */
  readonly error: number;
}

/** Of a longer row the codes are not searched. */
const mostSearched = 16;
/** Rounded weights that a search looks at: within a row of 9 it ends by itself. */
const searchLimit = 20_000;

/** @param row weights, in the row's own order. */
export function roundRow(row: Float32Array, grid: RowGrid, factor: TriangularFactor): RoundedRow {
  const greedy = roundInOrder(row, grid, factor);
  return factor.size <= mostSearched ? searched(row, grid, factor, greedy) : greedy;
}

/** The error of given codes. */
export function errorOfCodes(
  row: Float32Array,
  codes: Uint8Array,
  { rounding: { levels }, steps }: RowGrid,
  factor: TriangularFactor,
): number {
  const { size, order, diagonal, feedback } = factor;
  const errors = new Float64Array(size);
  let total = 0;
  for (let j = 0; j < size; j++) {
    const k = order[j]!;
    const taken = tookBack(feedback, errors, j, size);
    errors[j] = row[k]! - steps[k]! * levels[codes[k]!]!;
    total += (diagonal[j]! * (errors[j]! + taken)) ** 2;
  }
  return total;
}

function roundInOrder(row: Float32Array, grid: RowGrid, factor: TriangularFactor): RoundedRow {
  const { size, order, diagonal, feedback } = factor;
  const { rounding, steps, lowest, highest } = grid;
  const codes = new Uint8Array(size);
  const errors = new Float64Array(size);
  let total = 0;
  for (let j = 0; j < size; j++) {
    const k = order[j]!;
    const wanted = row[k]! + tookBack(feedback, errors, j, size);
    const code = Math.min(highest, Math.max(lowest, rounding.codeOf(wanted / steps[k]!)));
    const level = steps[k]! * rounding.levels[code]!;
    codes[k] = code;
    errors[j] = row[k]! - level;
    total += (diagonal[j]! * (wanted - level)) ** 2;
  }
  return { codes, error: total };
}

/** What the errors of the weights before it ask of the weight at place j. */
function tookBack(feedback: Float64Array, errors: Float64Array, j: number, size: number): number {
  const at = j * size;
  let [s0, s1] = [0, 0];
  let i = 0;
  for (; i + 1 < j; i += 2) {
    s0 += feedback[at + i]! * errors[i]!;
    s1 += feedback[at + i + 1]! * errors[i + 1]!;
  }
  if (i < j) s0 += feedback[at + i]! * errors[i]!;
  return s0 + s1;
}

/** Depth first, the nearest level first; a branch ends where it is worse than the best so far (Schnorr and Euchner, 1994). */
function searched(row: Float32Array, grid: RowGrid, factor: TriangularFactor, start: RoundedRow): RoundedRow {
  const { size, order, diagonal, feedback } = factor;
  const { rounding, steps, lowest, highest } = grid;
  const { levels } = rounding;
  const errors = new Float64Array(size);
  const codes = new Uint8Array(size);
  let best = start;
  let left = searchLimit;
  const visit = (j: number, before: number): void => {
    if (j === size) {
      best = { codes: codes.slice(), error: before };
      return;
    }
    const k = order[j]!;
    const wanted = row[k]! + tookBack(feedback, errors, j, size);
    const costOf = (code: number) => (diagonal[j]! * (wanted - steps[k]! * levels[code]!)) ** 2;
    let up = Math.min(highest, Math.max(lowest, rounding.codeOf(wanted / steps[k]!)));
    let down = up - 1;
    while (left-- > 0) {
      const isUp = down < lowest || (up <= highest && costOf(up) <= costOf(down));
      const code = isUp ? up++ : down--;
      if (code > highest || code < lowest) return;
      const cost = before + costOf(code);
      if (cost >= best.error) return;
      codes[k] = code;
      errors[j] = row[k]! - steps[k]! * levels[code]!;
      visit(j + 1, cost);
    }
  };
  visit(0, 0);
  return best;
}
