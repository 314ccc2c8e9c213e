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
  readonly #lowerCode: Uint8Array;
  readonly #midpoint: Float32Array;

  constructor(levels: Int8Array) {
    this.levels = levels;
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

  get low(): number {
    return this.levels[0]!;
  }

  get high(): number {
    return this.levels.at(-1)!;
  }

  /** The largest magnitude a level has. */
  get reach(): number {
    return Math.max(-this.low, this.high);
  }

  /** Code of the level nearest to `x`, which is in units of the levels. */
  codeOf(x: number): number {
    const { levels } = this;
    if (x <= levels[0]!) return 0;
    if (x >= levels[levels.length - 1]!) return levels.length - 1;
    const step = ((x - levels[0]!) * stepsPerUnit) | 0;
    return this.#lowerCode[step]! + (x > this.#midpoint[step]! ? 1 : 0);
  }

  #midpointAfter(code: number): number {
    return code + 1 < this.levels.length
      ? (this.levels[code]! + this.levels[code + 1]!) / 2
      : Number.POSITIVE_INFINITY;
  }
}
