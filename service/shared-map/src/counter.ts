/** A counter by handle: its place in memory is looked up once, and then it is added to by one atomic instruction. */
import type { Attachment } from "./attachment.ts";
import { sharedMapErrors } from "./errors.ts";

/**
 * Integers; exact as long as the sum stays within 2^53. The counter stays where it is as long as the map lives:
 * it is never evicted and never expires; `delete` and `clear` set it to 0.
 */
export class Counter {
  readonly #attachment: Attachment;
  readonly #address: number;
  readonly #hash: number;

  constructor(attachment: Attachment, address: number, hash: number) {
    this.#attachment = attachment;
    this.#address = address;
    this.#hash = hash;
  }

  /**
   * Returns the sum.
   * @throws NOT_A_COUNTER when `delta` is not an integer; MAP_CLOSED
   */
  add(delta = 1): number {
    if (!Number.isSafeInteger(delta)) throw notAnInteger(delta);
    const { core, lane } = this.#attachment;
    return core.addFixed(lane, this.#address, this.#hash, delta);
  }

  /** @throws MAP_CLOSED */
  get value(): number {
    return this.#attachment.core.readFixed(this.#address);
  }
}

export function notAnInteger(delta: unknown): Error {
  return sharedMapErrors.error(
    "NOT_A_COUNTER",
    `Counters add integers of up to 2^53; ${String(delta)} is none. Use compute for other numbers.`,
  );
}
