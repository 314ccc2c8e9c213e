/**
 * A binary range coder: bits in, and how likely each was, to about as many bytes as their information. It is the carry-propagating
 * coder of G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a digitised message" (1979), with the
 * byte-wise normalisation that LZMA made common. Integers only, so that every machine writes the same bytes.
 *
 * Encoder and decoder have one face: a model that predicts a bit, codes it and learns from it is written once, and
 * cannot decode otherwise than it encodes.
 */

/** Probabilities are in units of 1/65536. */
export const probabilityOne = 65536;

export interface BitCoder {
  /**
   * Encodes `bit` and returns it, or ignores it and returns the bit that is decoded.
   * @param probability that it is 1: a whole number from 1 to 65535.
   */
  code(bit: number, probability: number): number;
}

/** 31 bits, so that the engine of JavaScript keeps it in a register. */
const widestRange = 2 ** 31 - 1;
const narrowestRange = 2 ** 23;
const carry = 2 ** 32;
/** Bytes that `low` has when coding ends, and the one before them. */
const tailBytes = 5;

export class RangeEncoder implements BitCoder {
  #bytes = new Uint8Array(4096);
  #length = 0;
  /** Below 2^33: the 33rd bit is a carry into what `#held` stands for. */
  #low = 0;
  #range = widestRange;
  /** The last byte that is settled but for a carry, and how many bytes of 255 follow it. */
  #last = 0;
  #held = 0;

  code(bit: number, probability: number): number {
    let range = this.#range;
    const bound = Math.imul(range >> 16, probability);
    if (bit !== 0) range = bound;
    else {
      this.#low += bound;
      range = (range - bound) | 0;
    }
    while (range < narrowestRange) {
      range <<= 8;
      this.#shift();
    }
    this.#range = range;
    return bit;
  }

  /** All that was coded. The encoder is spent. */
  finish(): Uint8Array {
    for (let i = 0; i < tailBytes; i++) this.#shift();
    // The first byte is what a carry would go into, and none can. The decoder reads zeros behind the end.
    let end = this.#length;
    while (end > 1 && this.#bytes[end - 1] === 0) end--;
    return this.#bytes.subarray(1, end);
  }

  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= carry) {
      const over = this.#low >= carry ? 1 : 0;
      this.#put(this.#last + over);
      for (; this.#held > 0; this.#held--) this.#put(0xff + over);
      this.#last = (this.#low >>> 24) & 0xff;
    } else this.#held++;
    this.#low = (this.#low << 8) >>> 0;
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}

export class RangeDecoder implements BitCoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #code = 0;
  #range = widestRange;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#code = this.#code * 256 + this.#next();
  }

  code(_bit: number, probability: number): number {
    let range = this.#range;
    const bound = Math.imul(range >> 16, probability);
    const bit = this.#code < bound ? 1 : 0;
    if (bit === 1) range = bound;
    else {
      this.#code = (this.#code - bound) | 0;
      range = (range - bound) | 0;
    }
    while (range < narrowestRange) {
      range <<= 8;
      this.#code = (this.#code << 8) | this.#next();
    }
    this.#range = range;
    return bit;
  }

  #next(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
}
