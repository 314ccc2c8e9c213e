/**
 * How much a client may send besides what it is asked for: retries and hedges. A bucket of tokens, after Finagle's retry
 * budget (https://finagle.github.io/blog/2016/02/08/retry-budgets) and gRPC's retry throttling
 * (https://github.com/grpc/proposal/blob/master/A6-client-retries.md): each call brings `ratio` of a token, each extra send
 * takes one. So among any n calls there are at most `burst + ratio * n` extra sends, whatever fails.
 */
export interface RetryBudgetOptions {
  /** Extra sends for each call, in the long run. Default 0.2. */
  readonly ratio?: number | undefined;
  /** The most that is saved up, and what a new client begins with. Default 10. */
  readonly burst?: number | undefined;
}

export class RetryBudget {
  readonly #ratio: number;
  readonly #burst: number;
  #tokens: number;

  constructor({ ratio = 0.2, burst = 10 }: RetryBudgetOptions = {}) {
    this.#ratio = ratio;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** A call that somebody asked for. */
  deposit(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + this.#ratio);
  }

  /** Whether there may be one more; it counts as sent. */
  withdraw(): boolean {
    // Sums of a ratio such as 0.1 stay a hair below the whole number that they are.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }
}
