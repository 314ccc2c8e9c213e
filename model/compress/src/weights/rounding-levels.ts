/**
 * The integer levels that weights round to, with a table that finds the nearest in constant time.
 *
 * The range is cut into steps of 1/8. Levels are distinct integers, so a step holds at most one midpoint
 * between two levels: the step knows the lower of its two candidates and where the other one begins.
 */
const stepsPerUnit = 8;

export class RoundingLevels {
  /** Ascending, within int8. */
  readonly levels: Int8Array;
  readonly low: number;
  readonly high: number;
  /** The largest magnitude a level has. */
  readonly maxLevel: number;
  /** Are the levels all integers from `low` to `high`? Rounding then needs no table. */
  readonly areConsecutive: boolean;
  readonly #lowerCode: Uint8Array;
  readonly #midpoint: Float32Array;

  constructor(levels: Int8Array) {
    this.levels = levels;
    this.low = levels[0]!;
    this.high = levels.at(-1)!;
    this.maxLevel = Math.max(-this.low, this.high);
    this.areConsecutive = this.high - this.low === levels.length - 1;
    const count = (this.high - this.low) * stepsPerUnit + 1;
    this.#lowerCode = new Uint8Array(count);
    this.#midpoint = new Float32Array(count);
    let code = 0;
    for (let step = 0; step < count; step++) {
      const from = this.low + step / stepsPerUnit;
      while (this.#midpointAfter(code) <= from) code++;
      this.#lowerCode[step] = code;
      this.#midpoint[step] = this.#midpointAfter(code);
    }
  }

  /** Code of the level nearest to `x`, which is in units of the levels. */
  codeOf(x: number): number {
    if (x <= this.low) return 0;
    if (x >= this.high) return this.levels.length - 1;
    const step = ((x - this.low) * stepsPerUnit) | 0;
    return this.#lowerCode[step]! + (x > this.#midpoint[step]! ? 1 : 0);
  }

  #midpointAfter(code: number): number {
    return code + 1 < this.levels.length
      ? (this.levels[code]! + this.levels[code + 1]!) / 2
      : Number.POSITIVE_INFINITY;
  }
}
