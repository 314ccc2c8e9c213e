/**
 * The distribution of an activation, kept in fixed memory however many images pass by.
 *
 * Bins cover [-2^e, 2^e). When a value falls outside, e grows and neighbouring bins merge, so no image
 * is ever looked at twice and the result does not depend on the order in which the range was found.
 */
const halfBins = 4096;

export class Histogram {
  /** Bin i covers [(i - 4096), (i + 1 - 4096)) * binWidth. Zeros are counted apart: they cost no rounding. */
  counts = new Float64Array(2 * halfBins);
  zeros = 0;
  total = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Values that were NaN or infinite. */
  notFinite = 0;
  #exponent = -20;

  get binWidth(): number {
    return 2 ** this.#exponent / halfBins;
  }

  /** Left edge of bin `i`. */
  edge(i: number): number {
    return (i - halfBins) * this.binWidth;
  }

  add(values: Float32Array): void {
    let min = this.min;
    let max = this.max;
    let notFinite = 0;
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!;
      if (x < min && x > Number.NEGATIVE_INFINITY) min = x;
      if (x > max && x < Number.POSITIVE_INFINITY) max = x;
      if (!(x > Number.NEGATIVE_INFINITY && x < Number.POSITIVE_INFINITY)) notFinite++;
    }
    this.min = min;
    this.max = max;
    this.notFinite += notFinite;
    this.total += values.length - notFinite;
    while (max >= 2 ** this.#exponent || -min > 2 ** this.#exponent) this.#widen();
    const { counts } = this;
    const perUnit = 1 / this.binWidth;
    let zeros = 0;
    if (notFinite > 0) {
      this.#addFiniteOnly(values, perUnit);
      return;
    }
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!;
      if (x === 0) zeros++;
      else counts[Math.floor(x * perUnit) + halfBins]!++;
    }
    this.zeros += zeros;
  }

  /** Extremes of values that are not counted, since only a part of them is. */
  include(low: number, high: number): void {
    this.min = Math.min(this.min, low);
    this.max = Math.max(this.max, high);
    while (this.max >= 2 ** this.#exponent || -this.min > 2 ** this.#exponent) this.#widen();
  }

  #addFiniteOnly(values: Float32Array, perUnit: number): void {
    for (const x of values) {
      if (x === 0) this.zeros++;
      else if (Number.isFinite(x)) this.counts[Math.floor(x * perUnit) + halfBins]!++;
    }
  }

  #widen(): void {
    const merged = new Float64Array(2 * halfBins);
    for (let i = 0; i < halfBins; i++) {
      merged[halfBins / 2 + i] = this.counts[2 * i]! + this.counts[2 * i + 1]!;
    }
    this.counts = merged;
    this.#exponent++;
  }
}
