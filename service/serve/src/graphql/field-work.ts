/**
 * The work of an operation's fields: so much of it at once, none of it after the operation has ended, and long lists in
 * pieces between which others have their turn. When the signal fires, what waits is refused in the same tick and what comes
 * later never begins; the executor is given the same signal and starts no resolver any more.
 */
import { createTurns } from "@cupel/base";

/** Lists up to this length are answered in one piece. */
const shortList = 16;
/** Of work between two turns of the event loop, in ms. */
const longestMs = 5;

export class FieldWork {
  /** Its reason is the error that the fields end with. */
  readonly signal: AbortSignal;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #turn = createTurns(longestMs);

  /** @param most pieces of work at once */
  constructor(signal: AbortSignal, most: number) {
    this.signal = signal;
    this.#free = most;
    signal.addEventListener("abort", () => this.#startAll(), { once: true });
  }

  /** @throws the signal's reason where it fires before the work begins; what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      this.signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes from hand to hand.
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** The same items; of a long list one after the other, until the signal fires. */
  list<T>(items: readonly T[]): Iterable<T> | AsyncIterable<T> {
    return items.length <= shortList ? items : this.#inTurns(items);
  }

  async *#inTurns<T>(items: readonly T[]): AsyncGenerator<T> {
    for (const item of items) {
      await this.#turn();
      this.signal.throwIfAborted();
      yield item;
    }
  }

  /** Nothing is begun: each finds the signal fired. */
  #startAll(): void {
    for (const start of this.#waiting.splice(0)) start();
  }
}
