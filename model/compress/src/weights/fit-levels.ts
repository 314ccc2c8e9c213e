/**
 * Levels that follow the distribution of a layer's weights, after Lloyd (1957) and Max (1960): each level
 * is the weighted mean of the weights that round to it. One set serves the whole layer, over rows brought
 * to a common scale; the result is put on the int8 grid.
 */
import { uniformLevels, type WeightBits } from "./quantised-weights.ts";

const bins = 4096;
const iterations = 100;
/** Levels that move less than this share of a uniform step have settled. */
const settled = 1e-3;

/** Weights as a histogram in units of uniform levels: mass and first moment of each bin. */
interface Distribution {
  readonly mass: Float64Array;
  readonly moment: Float64Array;
  readonly low: number;
  readonly binsPerUnit: number;
}

/**
 * @param weights [O, K]. @param scales of each row, for uniform levels of the same bits.
 * @param importanceOf one number a weight of a row. @param maxLevel the largest level to make.
 */
export function fitLevels(
  weights: Float32Array,
  columns: number,
  scales: Float32Array,
  bits: WeightBits,
  importanceOf: (row: number) => Float32Array,
  maxLevel: 127 | 63,
): Int8Array {
  const start = uniformLevels(bits, maxLevel);
  const distribution = distributionOf(weights, columns, scales, importanceOf, start[0]! * 2);
  let centres = Float64Array.from(start);
  for (let n = 0; n < iterations; n++) {
    const next = recentre(distribution, centres);
    const moved = next.some((centre, i) => Math.abs(centre - centres[i]!) > settled);
    centres = next;
    if (!moved) break;
  }
  return onIntegerGrid(centres, maxLevel);
}

/** @param low left end; the right end is its mirror. What lies outside counts at the ends. */
function distributionOf(
  weights: Float32Array,
  columns: number,
  scales: Float32Array,
  importanceOf: (row: number) => Float32Array,
  low: number,
): Distribution {
  const mass = new Float64Array(bins);
  const moment = new Float64Array(bins);
  const binsPerUnit = bins / (-2 * low);
  for (let row = 0; row < scales.length; row++) {
    const importance = importanceOf(row);
    const scale = scales[row]!;
    for (let k = 0; k < columns; k++) {
      const x = weights[row * columns + k]! / scale;
      // An error in a row of larger scale costs more, by the square.
      const h = importance[k]! * scale * scale;
      const bin = Math.min(bins - 1, Math.max(0, Math.floor((x - low) * binsPerUnit)));
      mass[bin]! += h;
      moment[bin]! += h * x;
    }
  }
  return { mass, moment, low, binsPerUnit };
}

/** Bins and centres are both in order: one sweep assigns and averages. */
function recentre(distribution: Distribution, centres: Float64Array): Float64Array<ArrayBuffer> {
  const { mass, moment, low, binsPerUnit } = distribution;
  const sums = new Float64Array(centres.length);
  const masses = new Float64Array(centres.length);
  let c = 0;
  for (let bin = 0; bin < bins; bin++) {
    const x = low + (bin + 0.5) / binsPerUnit;
    while (c + 1 < centres.length && x > (centres[c]! + centres[c + 1]!) / 2) c++;
    sums[c]! += moment[bin]!;
    masses[c]! += mass[bin]!;
  }
  return Float64Array.from(centres, (centre, i) => (masses[i]! > 0 ? sums[i]! / masses[i]! : centre));
}

/** Scales so that the outermost level is `maxLevel`, rounds, and keeps levels distinct and within it. */
function onIntegerGrid(centres: Float64Array, maxLevel: number): Int8Array {
  const step = Math.max(-centres[0]!, centres.at(-1)!) / maxLevel;
  // Not in int8 yet: pushed apart, levels may leave it for a moment.
  const levels = Array.from(centres, (centre) => Math.round(centre / step));
  for (let i = 1; i < levels.length; i++) levels[i] = Math.max(levels[i]!, levels[i - 1]! + 1);
  for (let i = levels.length - 1; i >= 0; i--) {
    levels[i] = Math.min(levels[i]!, i === levels.length - 1 ? maxLevel : levels[i + 1]! - 1);
  }
  return Int8Array.from(levels);
}
