/** So many at once and no more, first come, first served; whoever does not want to wait any more leaves. */
import { cancellation, throwIfCancelled } from "@cupel/base";

export class Turnstile {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param width how many may be inside at once */
  constructor(width: number) {
    this.#free = width;
  }

  /** @param what waits, for the message. @throws CANCELLED, DEADLINE_EXCEEDED while it waits, and what the work throws */
  async pass<T>(work: () => Promise<T>, what: string, signal?: AbortSignal): Promise<T> {
    throwIfCancelled(signal, what);
    if (this.#free > 0) this.#free--;
    else await this.#turn(what, signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #turn(what: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(enter), 1);
      reject(cancellation(what, signal));
    };
    const enter = () => {
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    this.#waiting.push(enter);
    signal?.addEventListener("abort", leave, { once: true });
    return promise;
  }
}
