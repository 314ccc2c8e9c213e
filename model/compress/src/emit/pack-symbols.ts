/**
 * Codes of 2 to 6 bits, gathered into symbols of 8 to 12 bits that one table look-up decodes:
 *
 *   symbol = sum of code[i] << (bits * i)       2 or 4 codes
 *
 * Its low byte lies in one array, the rest in another, itself packed into bytes: exactly `bits` bits a
 * weight but for the padding at the end.
 */
import type { WeightBits } from "../weights/quantised-weights.ts";

export interface SymbolForm {
  /** Codes in a symbol. */
  readonly codes: 2 | 4;
  /** Bits of a symbol beyond its low byte; they divide a byte. */
  readonly highBits: 0 | 2 | 4;
}

export const symbolForms: Readonly<Record<Exclude<WeightBits, 8>, SymbolForm>> = {
  6: { codes: 2, highBits: 4 },
  5: { codes: 2, highBits: 2 },
  4: { codes: 2, highBits: 0 },
  3: { codes: 4, highBits: 4 },
  2: { codes: 4, highBits: 0 },
};

export interface PackedSymbols {
  /** One a symbol. */
  readonly low: Uint8Array;
  /** The high parts, first in the low bits; empty when there are none. */
  readonly high: Uint8Array;
}

/** Bytes of both, of so many codes. */
export function packedLengths(codes: number, bits: Exclude<WeightBits, 8>): { low: number; high: number } {
  const form = symbolForms[bits];
  const perHighByte = form.highBits > 0 ? 8 / form.highBits : 1;
  const low = Math.ceil(Math.ceil(codes / form.codes) / perHighByte) * perHighByte;
  return { low, high: form.highBits > 0 ? low / perHighByte : 0 };
}

/** Padded with zero codes to whole symbols and whole bytes of high parts. */
export function packSymbols(codes: Uint8Array, bits: Exclude<WeightBits, 8>): PackedSymbols {
  const form = symbolForms[bits];
  const perHighByte = form.highBits > 0 ? 8 / form.highBits : 1;
  const { low: count, high: highCount } = packedLengths(codes.length, bits);
  const low = new Uint8Array(count);
  const high = new Uint8Array(highCount);
  for (let s = 0; s < count; s++) {
    let symbol = 0;
    for (let i = 0; i < form.codes; i++) symbol |= (codes[s * form.codes + i] ?? 0) << (bits * i);
    low[s] = symbol & 255;
    if (form.highBits > 0) {
      high[Math.floor(s / perHighByte)]! |= (symbol >> 8) << ((s % perHighByte) * form.highBits);
    }
  }
  return { low, high };
}

/** The codes of `packSymbols`, with those that pad. */
export function unpackSymbols({ low, high }: PackedSymbols, bits: Exclude<WeightBits, 8>): Uint8Array {
  const { codes: count, highBits } = symbolForms[bits];
  const perHighByte = highBits > 0 ? 8 / highBits : 1;
  const codes = new Uint8Array(low.length * count);
  for (let s = 0; s < low.length; s++) {
    let symbol = low[s]!;
    if (highBits > 0) {
      const part = high[Math.floor(s / perHighByte)]! >> ((s % perHighByte) * highBits);
      symbol |= (part & ((1 << highBits) - 1)) << 8;
    }
    for (let i = 0; i < count; i++) codes[s * count + i] = (symbol >> (bits * i)) & ((1 << bits) - 1);
  }
  return codes;
}

/** Whether planes of these lengths are of codes of `bits`, filled to whole bytes. */
export function arePlanes(low: number, high: number, bits: Exclude<WeightBits, 8>): boolean {
  return high * 8 === low * symbolForms[bits].highBits;
}
