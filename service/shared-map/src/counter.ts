/** A counter by handle: its place in memory is looked up once, and then it is added to by one atomic instruction. */
import type { Attachment } from "./attachment.ts";
import { TOO_LARGE } from "./core/layout.ts";
import { sharedMapErrors } from "./errors.ts";

/**
 * Integers; exact as long as the sum stays within 2^53. The counter stays where it is as long as it has handles:
 * it is not evicted and does not expire; `delete` and `clear` set it to 0. Once every handle of every thread is closed
 * or collected, its entry is one like others. (Those of a thread that was terminated stay.)
 */
export class Counter implements Disposable {
  #attachment: Attachment | null;
  readonly #address: number;
  readonly #hash: number;

  readonly #release: () => void;

  constructor(attachment: Attachment, address: number, hash: number, release: () => void) {
    this.#attachment = attachment;
    this.#address = address;
    this.#hash = hash;
    this.#release = release;
  }

  /**
   * Returns the sum.
   * @throws NOT_A_COUNTER when `delta` is not an integer; COUNTER_OVERFLOW when the sum would go beyond 2^53; MAP_CLOSED, COUNTER_CLOSED
   */
  add(delta = 1): number {
    if (!Number.isSafeInteger(delta)) throw notAnInteger(delta);
    const attachment = this.#open();
    const { core, lane } = attachment;
    const sum = core.addFixed(lane, this.#address, this.#hash, delta);
    if (Number.isSafeInteger(sum)) return sum;
    // Others may see the sum for a moment. It is far from where 64 bits end.
    core.addFixed(lane, this.#address, this.#hash, -delta);
    return attachment.fail(TOO_LARGE);
  }

  /** @throws MAP_CLOSED, COUNTER_CLOSED */
  get value(): number {
    return this.#open().core.readFixed(this.#address);
  }

  #open(): Attachment {
    if (this.#attachment !== null) return this.#attachment;
    throw sharedMapErrors.error(
      "COUNTER_CLOSED",
      "The counter's handle was closed. Get another with map.counter.",
    );
  }

  /** Gives the handle up, also for who else got it from this map object by the same key. */
  close(): void {
    if (this.#attachment === null) return;
    this.#attachment = null;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export function notAnInteger(delta: unknown): Error {
  return sharedMapErrors.error(
    "NOT_A_COUNTER",
    `Counters add integers of up to 2^53; ${String(delta)} is none. Use compute for other numbers.`,
  );
}
