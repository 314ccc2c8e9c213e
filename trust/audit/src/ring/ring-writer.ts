/** The writing end of a ring (`ring-layout.ts`): of one thread, which never waits and makes nothing but the entry's own arguments. */
import { baseErrors, type Clock, systemClock } from "@cupel/base";
import {
  FILLING,
  HEAD,
  HEADER_BYTES,
  LONGEST_TEXT,
  type RingHandle,
  STATE,
  state,
  TAIL,
  UNIT_BYTES,
  unitsOf,
} from "./ring-layout.ts";
import { kindNumber, type NumbersOf, type RuntimeKind, type TextsOf } from "./runtime-kinds.ts";

const HEADER_WORDS = HEADER_BYTES / 4;

export class RingWriter implements Disposable {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;
  readonly #capacity: number;
  readonly #clock: Clock;
  #head: number;
  #written = 0;
  #overwritten = 0;

  /** @throws OPTION_INVALID where the ring has or had a writer */
  constructor({ memory, thread }: RingHandle, clock: Clock = systemClock) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory, HEADER_BYTES);
    this.#bytes = Buffer.from(memory, HEADER_BYTES);
    this.#capacity = this.#doubles.length;
    this.#clock = clock;
    this.#head = Atomics.load(this.#words, HEAD);
    if (Atomics.compareExchange(this.#words, STATE, state.free, state.taken) !== state.free) {
      throw baseErrors.error(
        "OPTION_INVALID",
        `The ring "${thread}" has a writer already, and there is one a ring: each thread needs its own.`,
        { details: { thread } },
      );
    }
  }

  /** Entries since the beginning. */
  get written(): number {
    return this.#written;
  }

  /** Those of them that nobody has read. */
  get overwritten(): number {
    return this.#overwritten;
  }

  /** @param time ms since 1970; default now */
  write<Kind extends RuntimeKind>(
    kind: Kind,
    numbers: NumbersOf<Kind>,
    texts: TextsOf<Kind>,
    time?: number,
  ): void;
  write(
    kind: RuntimeKind,
    numbers: readonly number[],
    texts: readonly string[],
    time = this.#clock.now(),
  ): void {
    let mostTextBytes = 0;
    for (let i = 0; i < texts.length; i++) mostTextBytes += 2 + Math.min(3 * texts[i]!.length, LONGEST_TEXT);
    const most = unitsOf(numbers.length, mostTextBytes);
    const mask = this.#capacity - 1;
    let at = this.#head & mask;
    const filling = at + most > this.#capacity ? this.#capacity - at : 0;
    this.#makeRoom(filling + most);
    if (filling > 0) {
      this.#words[HEADER_WORDS + 2 * at] = filling | (FILLING << 16);
      at = 0;
    }

    const doubles = this.#doubles;
    doubles[at + 1] = time;
    for (let i = 0; i < numbers.length; i++) doubles[at + 2 + i] = numbers[i]!;
    const start = UNIT_BYTES * (at + 2 + numbers.length);
    let end = start;
    let truncated = 0;
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!;
      // Whole characters only.
      const taken = text === "" ? 0 : this.#bytes.write(text, end + 2, LONGEST_TEXT);
      if (3 * text.length > LONGEST_TEXT && Buffer.byteLength(text) > taken) truncated |= 1 << i;
      this.#bytes[end] = taken & 0xff;
      this.#bytes[end + 1] = taken >> 8;
      end += 2 + taken;
    }
    const units = unitsOf(numbers.length, end - start);
    const head = HEADER_WORDS + 2 * at;
    this.#words[head] = units | (kindNumber.get(kind)! << 16) | (truncated << 24);
    this.#words[head + 1] = this.#written | 0;
    this.#written++;
    this.#head = (this.#head + filling + units) | 0;
    Atomics.store(this.#words, HEAD, this.#head);
  }

  /** Whoever reads the ring forgets it once it is empty. */
  [Symbol.dispose](): void {
    Atomics.store(this.#words, STATE, state.closed);
  }

  /** Takes the oldest entries away until so many units are free. */
  #makeRoom(units: number): void {
    const end = (this.#head + units) | 0;
    let tail = Atomics.load(this.#words, TAIL);
    while (((end - tail) | 0) > this.#capacity) {
      let to = tail;
      let count = 0;
      while (((end - to) | 0) > this.#capacity) {
        const word = this.#words[HEADER_WORDS + 2 * (to & (this.#capacity - 1))]!;
        if (((word >> 16) & 0xff) !== FILLING) count++;
        to = (to + (word & 0xffff)) | 0;
      }
      const found = Atomics.compareExchange(this.#words, TAIL, tail, to);
      if (found === tail) {
        this.#overwritten += count;
        return;
      }
      tail = found;
    }
  }
}
