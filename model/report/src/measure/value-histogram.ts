/**
 * Where the values of a layer lie in both models, counted in one pass without knowing their range before.
 *
 * The fine bins span the values of the first batch. A value outside doubles their width, two bins becoming one, until
 * it is inside: every value stays in the bin it was counted in, so that the counts are exact and memory never grows.
 * At the end as many fine bins in a row are joined as leave at most `mostBins` over the range of both models; `from`
 * and `to` are edges of fine bins and enclose that range by less than one joined bin.
 */
import type { LayerReport } from "../report-schema.ts";

/** Most bins reported. */
export const mostBins = 32;
const fineBins = 1024;
/** Width of a fine bin against the values, where all of the first batch are equal: far above what doubles tell apart. */
const narrowest = 2 ** -24;

export class ValueHistogram {
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  /** Lower edge of the first fine bin. */
  #from = 0;
  #width = 0;
  #original = new Float64Array(fineBins);
  #compressed = new Float64Array(fineBins);

  /** Values that are no finite numbers are in no bin. */
  add(original: Float32Array, compressed: Float32Array): void {
    const [lowA, highA] = finiteRange(original);
    const [lowB, highB] = finiteRange(compressed);
    const low = Math.min(lowA, lowB);
    const high = Math.max(highA, highB);
    if (low > high) return;
    this.#low = Math.min(this.#low, low);
    this.#high = Math.max(this.#high, high);
    if (this.#width === 0) {
      this.#from = low;
      // A little wider than the values, so that the largest is inside.
      this.#width = (Math.max(high - low, narrowest * Math.max(1e-30, Math.abs(low))) * 1.001) / fineBins;
    }
    while (high >= this.#from + fineBins * this.#width) this.#widen(false);
    while (low < this.#from) this.#widen(true);
    this.#count(original, this.#original);
    this.#count(compressed, this.#compressed);
  }

  /** Null where nothing was counted. */
  counts(): LayerReport["histogram"] {
    if (this.#width === 0) return null;
    const first = this.#binOf(this.#low);
    const end = this.#binOf(this.#high) + 1;
    const joined = Math.ceil((end - first) / mostBins);
    const bins = Math.ceil((end - first) / joined);
    const join = (counts: Float64Array) =>
      Array.from({ length: bins }, (_, bin) => {
        const from = first + bin * joined;
        return counts.subarray(from, from + joined).reduce((sum, count) => sum + count, 0);
      });
    return {
      original: join(this.#original),
      compressed: join(this.#compressed),
      from: this.#from + first * this.#width,
      to: this.#from + (first + bins * joined) * this.#width,
    };
  }

  /** Twice as wide, towards smaller values or towards larger ones. */
  #widen(isDown: boolean): void {
    this.#original = halved(this.#original, isDown);
    this.#compressed = halved(this.#compressed, isDown);
    if (isDown) this.#from -= fineBins * this.#width;
    this.#width *= 2;
  }

  #count(values: Float32Array, counts: Float64Array): void {
    const from = this.#from;
    const perValue = 1 / this.#width;
    for (let i = 0; i < values.length; i++) {
      const place = (values[i]! - from) * perValue;
      if (place >= 0 && place < fineBins) counts[place | 0]! += 1;
      else if (Number.isFinite(place)) counts[binAt(place)]! += 1;
    }
  }

  #binOf(value: number): number {
    return binAt((value - this.#from) * (1 / this.#width));
  }
}

/** Rounding can put a value on the outer edge beyond it. */
function binAt(place: number): number {
  return Math.max(0, Math.min(fineBins - 1, Math.floor(place)));
}

/** Two neighbours become one; the other half is empty. */
function halved(counts: Float64Array, isDown: boolean): Float64Array<ArrayBuffer> {
  const half = fineBins / 2;
  const made = new Float64Array(fineBins);
  const at = isDown ? half : 0;
  for (let bin = 0; bin < half; bin++) made[at + bin] = counts[2 * bin]! + counts[2 * bin + 1]!;
  return made;
}

/** Upside down where no value is finite. */
function finiteRange(values: Float32Array): readonly [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // No number, or endless: the difference is no number.
    if (value - value !== 0) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
