/** The reading end of a ring (`ring-layout.ts`): of one thread, which takes all that is there, in order, and finds what it lost by its gaps. */
import {
  FILLING,
  HEAD,
  HEADER_BYTES,
  type RingHandle,
  STATE,
  state,
  TAIL,
  UNIT_BYTES,
} from "./ring-layout.ts";
import { kindsByNumber, type RuntimeKind, runtimeKinds } from "./runtime-kinds.ts";

export interface RuntimeEntry {
  readonly kind: RuntimeKind;
  /** From 0; 32 bits, after which it begins again. */
  readonly sequence: number;
  /** Ms since 1970. */
  readonly time: number;
  /** In the order of the kind's names. */
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  /** Names of texts that are not there as a whole. */
  readonly truncated: readonly string[];
}

export interface RingVisitor {
  entry(entry: RuntimeEntry): void;
  /** So many were overwritten, all before the next entry and after the last. */
  overwritten(count: number): void;
}

export class RingReader {
  readonly #words: Int32Array;
  readonly #shared: Uint8Array;
  readonly #capacity: number;
  /** What is taken, each unit at the place that it has in the ring. */
  readonly #copy: Buffer<ArrayBuffer>;
  readonly #copyWords: Int32Array;
  readonly #copyDoubles: Float64Array;
  #consumed = 0;
  #overwritten = 0;

  constructor({ memory }: RingHandle) {
    this.#words = new Int32Array(memory);
    this.#shared = new Uint8Array(memory, HEADER_BYTES);
    this.#capacity = this.#shared.length / UNIT_BYTES;
    this.#copy = Buffer.from(new ArrayBuffer(this.#shared.length));
    this.#copyWords = new Int32Array(this.#copy.buffer);
    this.#copyDoubles = new Float64Array(this.#copy.buffer);
  }

  get consumed(): number {
    return this.#consumed;
  }

  get overwritten(): number {
    return this.#overwritten;
  }

  /** True when its writer has closed it: nothing comes after what is there. */
  get isClosed(): boolean {
    return Atomics.load(this.#words, STATE) === state.closed;
  }

  /** All entries that are there. */
  drain(visitor: RingVisitor): void {
    let tail: number;
    let head: number;
    do {
      tail = Atomics.load(this.#words, TAIL);
      head = Atomics.load(this.#words, HEAD);
      // The writer went by between the two.
    } while (((head - tail) | 0) > this.#capacity);
    if (head === tail) return;
    this.#copyUnits(tail, head);
    const from = this.#take(tail, head);
    if (from !== null) this.#visit(from, head, visitor);
  }

  /** @returns from where on the copy is this reader's; null where the writer has overwritten all of it */
  #take(tail: number, head: number): number | null {
    for (let from = tail; ((head - from) | 0) > 0; ) {
      const found = Atomics.compareExchange(this.#words, TAIL, from, head);
      if (found === from) return from;
      // So far it was overwritten; the rest of the copy may be whole.
      from = found;
    }
    return null;
  }

  #copyUnits(from: number, to: number): void {
    const begin = (from & (this.#capacity - 1)) * UNIT_BYTES;
    const length = ((to - from) | 0) * UNIT_BYTES;
    const end = Math.min(begin + length, this.#shared.length);
    this.#copy.set(this.#shared.subarray(begin, end), begin);
    if (end < begin + length) this.#copy.set(this.#shared.subarray(0, begin + length - end), 0);
  }

  #visit(from: number, to: number, visitor: RingVisitor): void {
    for (let at = from; at !== to; ) {
      const place = at & (this.#capacity - 1);
      const word = this.#copyWords[2 * place]!;
      at = (at + (word & 0xffff)) | 0;
      const number = (word >> 16) & 0xff;
      if (number === FILLING) continue;
      const entry = this.#entry(place, number, word >>> 24);
      const lost = (entry.sequence - ((this.#consumed + this.#overwritten) >>> 0)) >>> 0;
      if (lost > 0) {
        this.#overwritten += lost;
        visitor.overwritten(lost);
      }
      this.#consumed++;
      visitor.entry(entry);
    }
  }

  #entry(place: number, number: number, truncatedBits: number): RuntimeEntry {
    const kind = kindsByNumber[number - 1]!;
    const shape = runtimeKinds[kind];
    let double = place + 2;
    const numbers = shape.numbers.map(() => this.#copyDoubles[double++]!);
    let at = double * UNIT_BYTES;
    const texts = shape.texts.map(() => {
      const start = at + 2;
      at = start + this.#copy[at]! + (this.#copy[at + 1]! << 8);
      return this.#copy.toString("utf8", start, at);
    });
    const isTruncated = (_: string, i: number) => ((truncatedBits >> i) & 1) === 1;
    return {
      kind,
      sequence: this.#copyWords[2 * place + 1]! >>> 0,
      time: this.#copyDoubles[place + 1]!,
      numbers,
      texts,
      truncated: truncatedBits === 0 ? [] : shape.texts.filter(isTruncated),
    };
  }
}
