/** How many requests are under way, as each new one finds them: the means of each third of a run. */

export type Thirds = readonly [first: number, middle: number, last: number];

export class UnderWay {
  readonly #durationMs: number;
  readonly #sums = [0, 0, 0];
  readonly #counts = [0, 0, 0];

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** @param atMs since the run began. @param others under way at that time */
  add(atMs: number, others: number): void {
    const third = Math.min(2, Math.max(0, Math.floor((3 * atMs) / this.#durationMs)));
    this.#sums[third]! += others;
    this.#counts[third]!++;
  }

  /** 0 of a third in which nothing was asked. */
  thirds(): Thirds {
    const mean = (third: number) => this.#sums[third]! / Math.max(1, this.#counts[third]!);
    return [mean(0), mean(1), mean(2)];
  }
}
