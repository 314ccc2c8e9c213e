/**
 * A layer's weights rounded by what its inputs are, from those rounded to the nearest: the same levels and bits, other codes,
 * and where that is better another scale for a row.
 */
import { createTurns } from "@cupel/base";
import type { Layer } from "../layer.ts";
import { mostLevel, mostPairSum, pairSafeLevels } from "../weights/pair-safe-levels.ts";
import type { QuantisedWeights } from "../weights/quantised-weights.ts";
import { RoundingLevels } from "../weights/rounding-levels.ts";
import type { InputMoments } from "./input-moments.ts";
import { errorOfCodes, type RoundedRow, type RowGrid, roundRow } from "./round-row.ts";
import { type TriangularFactor, triangularFactor } from "./triangular-factor.ts";

/** By group, by part of a row. */
export type RowFactors = readonly (readonly TriangularFactor[])[];

/** @param centred whether a bias takes back what rounding does to the mean */
export function rowFactors({ groups }: Layer, moments: InputMoments, centred: boolean): RowFactors {
  const { columns, products, means } = moments;
  const perGroup = products.length / groups;
  return Array.from({ length: groups }, (_, group) =>
    Array.from({ length: perGroup }, (_, part) => {
      const at = group * perGroup + part;
      return triangularFactor(products[at]!, centred ? means[at]! : null, columns);
    }),
  );
}

/** Scales tried for a row, of the one it has. */
const ratios = [1, 0.96, 0.92, 0.88, 0.84, 1.04, 1.08];
/** Multiplications for one scale of a layer, above which no other is tried. */
const mostToTry = 2 ** 31;

export interface LearningOptions {
  /** Whether each row has a scale of its own, which may change. */
  readonly ownScales: boolean;
  /** A row's scale MUST NOT be smaller. */
  readonly leastScaleOf: (row: number) => number;
  /** Of levels that any row may have; 63 where larger ones must keep to `pairSafeLevels`. */
  readonly maxLevel: 127 | 63;
}

export interface LearnedWeights {
  readonly weights: QuantisedWeights;
  /** Squared error of the output over its variance, with these weights and with `nearest`. */
  readonly noise: number;
  readonly nearestNoise: number;
}

/** @param target the weights to approximate, [O, K]. @param nearest what they are stored in, with other codes */
export async function learnedWeights(
  layer: Layer,
  target: Float32Array,
  nearest: QuantisedWeights,
  factors: RowFactors,
  options: LearningOptions,
): Promise<LearnedWeights> {
  const { rows, columns, groups } = layer;
  const rounding = new RoundingLevels(nearest.levels);
  const codes = nearest.codes.slice();
  const scales = nearest.scales.slice();
  const tries =
    options.ownScales && !nearest.blocks && (rows * columns ** 2) / factors[0]!.length < mostToTry;
  const turn = createTurns();
  let [error, nearestError, power] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const own = target.subarray(row * columns, (row + 1) * columns);
    const ofGroup = factors[Math.floor(row / (rows / groups))]!;
    const gridAt = (scale: number) => gridOf(nearest, rounding, row, own, scale, options.maxLevel);
    const start = codes.slice(row * columns, (row + 1) * columns);
    const before = errorOfParts(own, start, gridAt(scales[row]!), ofGroup);
    nearestError += before;
    power += errorOfParts(own, start, { ...gridAt(scales[row]!), steps: new Float64Array(columns) }, ofGroup);
    let best: RoundedRow & { readonly scale: number } = { codes: start, scale: scales[row]!, error: before };
    for (const ratio of tries ? ratios : [1]) {
      const scale = Math.fround(Math.max(scales[row]! * ratio, options.leastScaleOf(row)));
      await turn();
      const found = roundParts(own, gridAt(scale), ofGroup);
      if (found.error < best.error && isSafe(found.codes, rounding, options.maxLevel))
        best = { ...found, scale };
    }
    codes.set(best.codes, row * columns);
    scales[row] = best.scale;
    error += best.error;
  }
  const relative = (each: number) => (power > 0 ? each / power : 0);
  return {
    weights: { ...nearest, codes, scales },
    noise: relative(error),
    nearestNoise: relative(nearestError),
  };
}

/** Every part of a row by its own factor. */
function roundParts(row: Float32Array, grid: RowGrid, factors: readonly TriangularFactor[]): RoundedRow {
  const found = factors.map((factor, part) =>
    roundRow(partOf(row, part, factor), gridOfPart(grid, part, factor), factor),
  );
  const codes = Uint8Array.from(found.flatMap((each) => [...each.codes]));
  return { codes, error: found.reduce((sum, { error }) => sum + error, 0) };
}

function errorOfParts(
  row: Float32Array,
  codes: Uint8Array,
  grid: RowGrid,
  factors: readonly TriangularFactor[],
): number {
  return factors.reduce((sum, factor, part) => {
    const own = gridOfPart(grid, part, factor);
    return sum + errorOfCodes(partOf(row, part, factor), partOf(codes, part, factor), own, factor);
  }, 0);
}

function partOf<T extends Float32Array | Uint8Array | Float64Array>(
  all: T,
  part: number,
  { size }: TriangularFactor,
): T {
  return all.subarray(part * size, (part + 1) * size) as T;
}

function gridOfPart(grid: RowGrid, part: number, factor: TriangularFactor): RowGrid {
  return { ...grid, steps: partOf(grid.steps, part, factor) };
}

function gridOf(
  { levels, bits, blocks, columns }: QuantisedWeights,
  rounding: RoundingLevels,
  row: number,
  weights: Float32Array,
  scale: number,
  maxLevel: 127 | 63,
): RowGrid {
  const steps = new Float64Array(columns).fill(scale);
  if (blocks) {
    const perRow = columns / blocks.size;
    for (let k = 0; k < columns; k++)
      steps[k]! *= blocks.multipliers[row * perRow + Math.floor(k / blocks.size)]!;
  }
  const highest = levels.length - 1;
  if (bits < 8 || !isPairSafe(rounding, maxLevel)) return { rounding, steps, lowest: 0, highest };
  const { low, high } = pairSafeLevels(weights)(scale);
  return { rounding, steps, lowest: low + mostLevel, highest: high + mostLevel };
}

/** Whether rows may have larger levels than are safe for any. */
function isPairSafe({ maxLevel }: RoundingLevels, most: 127 | 63): boolean {
  return maxLevel > most;
}

/** Bounds are by the weights as they were: what is rounded up may have moved a second one past them. */
function isSafe(codes: Uint8Array, rounding: RoundingLevels, most: 127 | 63): boolean {
  if (!isPairSafe(rounding, most)) return true;
  const levels = Array.from(codes, (code) => rounding.levels[code]!).sort((a, b) => a - b);
  const pair = (a: number | undefined, b: number | undefined) => Math.abs((a ?? 0) + (b ?? 0));
  return pair(levels[0], levels[1]) <= mostPairSum && pair(levels.at(-1), levels.at(-2)) <= mostPairSum;
}
