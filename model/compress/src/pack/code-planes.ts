/**
 * Codes of quantised weights by range coding. Planes of bits are joined to codes first. A convolution that was trained is smooth: a code
 * follows the mean of the one to its left and the one above it in its kernel, so that mean chooses the statistics.
 *
 *   . u        context of x = (l + u) / 2, in 16 steps
 *   l x
 */
import { arePlanes, packSymbols, unpackSymbols } from "../emit/pack-symbols.ts";
import { type BitCoder, RangeDecoder, RangeEncoder } from "./range-coder.ts";
import { SymbolModel } from "./symbol-model.ts";

export interface CodeCoding {
  readonly coder: "codes";
  readonly bits: CodeBits;
  /** Whether the top bit of a code is its sign, as in int8. */
  readonly isSigned: boolean;
  /** Side of the square kernels that the codes lie in; 1 where they have no neighbours. */
  readonly side: number;
}

export type CodeBits = 2 | 3 | 4 | 5 | 6 | 8;

export const widestSide = 15;

/** Steps of a mean, as bits, and the context of a code without neighbours. */
const meanBits = 4;
const noMean = 2 ** meanBits;

/** @param parts lengths of one plane, or of two. @returns null where they are of no codes of this width */
export function codesOf(bytes: Uint8Array, parts: readonly number[], bits: CodeBits): Uint8Array | null {
  if (bits === 8) return bytes;
  // Planes of one extent each, or many that have one plane.
  const [low = 0, high = 0] = arePlanes(bytes.length, 0, bits) ? [bytes.length] : parts;
  if (low + high !== bytes.length || !arePlanes(low, high, bits)) return null;
  return unpackSymbols({ low: bytes.subarray(0, low), high: bytes.subarray(low) }, bits);
}

export function encodeCodes(codes: Uint8Array, coding: CodeCoding): Uint8Array {
  const encoder = new RangeEncoder();
  code(encoder, codes, coding);
  return encoder.finish();
}

/** @throws Error where the parts are of no codes */
export function decodeCodes(coded: Uint8Array, parts: readonly number[], coding: CodeCoding): Uint8Array {
  const length = parts.reduce((sum, each) => sum + each, 0);
  const codes = codesOf(new Uint8Array(length), parts, coding.bits);
  if (codes === null) throw new Error(`its planes are not of codes of ${coding.bits} bits`);
  code(new RangeDecoder(coded), codes, coding);
  if (coding.bits === 8) return codes;
  const { low, high } = packSymbols(codes, coding.bits);
  return Buffer.concat([low, high]);
}

/** Out of `codes`, or into them. */
function code(coder: BitCoder, codes: Uint8Array, { bits, isSigned, side }: CodeCoding): void {
  const kernel = side * side;
  const flip = isSigned ? 1 << (bits - 1) : 0;
  const lost = Math.max(0, bits - meanBits);
  const model = new SymbolModel(bits, side === 1 ? 1 : noMean + 1);
  for (let i = 0, at = 0; i < codes.length; i++, at = at + 1 === kernel ? 0 : at + 1) {
    let context = 0;
    if (side > 1) {
      const left = at % side > 0 ? codes[i - 1]! ^ flip : -1;
      const above = at >= side ? codes[i - side]! ^ flip : -1;
      if (left >= 0 && above >= 0) context = (left + above) >> (lost + 1);
      else context = left < 0 && above < 0 ? noMean : Math.max(left, above) >> lost;
    }
    codes[i] = model.code(coder, codes[i]! ^ flip, context) ^ flip;
  }
}
