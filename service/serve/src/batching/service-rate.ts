/** How fast a model has been served lately: when a run will end, and when to ask again. */

/** Weight of the newest run in the moving average. */
const newest = 0.2;
const leastMs = 1;
const mostMs = 60_000;

export class ServiceRate {
  #msPerRow: number | null = null;

  /** @param ms of a run in the engine. */
  observe(rows: number, ms: number): void {
    const seen = ms / rows;
    this.#msPerRow = this.#msPerRow === null ? seen : this.#msPerRow + newest * (seen - this.#msPerRow);
  }

  /** 0 before the first run. */
  expectedMs(rows: number): number {
    return rows * (this.#msPerRow ?? 0);
  }

  /** In how many ms the rows that wait now are likely served: a whole number from 1 to 60,000. */
  retryAfterMs(rows: number): number {
    return Math.ceil(Math.min(mostMs, Math.max(leastMs, this.expectedMs(rows))));
  }
}
