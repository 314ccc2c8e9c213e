/**
 * How the bytes of a part of a file are coded: a table, one row a coder. What a coder was told travels with what it coded, so
 * that unpacking looks at nothing else. See docs/packed-container.md for the layout of each.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { arePlanes, packSymbols, unpackSymbols } from "../emit/pack-symbols.ts";
import { type BitCoder, RangeDecoder, RangeEncoder } from "./range-coder.ts";
import { SymbolModel } from "./symbol-model.ts";

/** `stored` is the bytes themselves; of `codes` the parts are one plane or two; of `numbers` the elements lie one after the other. */
export type Coding =
  | { readonly coder: "stored" }
  | { readonly coder: "brotli" }
  | { readonly coder: "codes"; readonly bits: PackedBits }
  | { readonly coder: "numbers"; readonly planes: readonly PlaneCoding[] };

export type PackedBits = 2 | 3 | 4 | 5 | 6;

/** Of one byte of every element: as it is, with statistics of its own, or with some for each value of the byte above it. */
export type PlaneCoding = (typeof planeCodings)[number];
export const planeCodings = ["stored", "alone", "above"] as const;

/** @param parts lengths of the extents that the bytes lie in. @returns null where the coding does not fit these bytes */
export function encodePart(bytes: Uint8Array, parts: readonly number[], coding: Coding): Uint8Array | null {
  switch (coding.coder) {
    case "stored":
      return bytes;
    case "brotli":
      return brotliCompressSync(bytes, {
        params: brotliParameters(bytes.length, constants.BROTLI_MAX_QUALITY),
      });
    case "codes":
      return encodeCodes(bytes, parts, coding.bits);
    case "numbers":
      return encodeNumbers(bytes, coding.planes);
  }
}

/** @param length of the bytes. @throws Error where that is not what was coded. Whatever `coded` is, it ends. */
export function decodePart(
  coded: Uint8Array,
  length: number,
  parts: readonly number[],
  coding: Coding,
): Uint8Array {
  switch (coding.coder) {
    case "stored":
      return withLength(coded, length);
    case "brotli":
      return withLength(brotliDecompressSync(coded, { maxOutputLength: length }), length);
    case "codes":
      return decodeCodes(coded, parts, coding.bits);
    case "numbers":
      return decodeNumbers(coded, length, coding.planes);
  }
}

export function brotliParameters(length: number, quality: number): Record<number, number> {
  return { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: length };
}

function withLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new Error(`it holds ${bytes.length} bytes instead of ${length}`);
  return bytes;
}

function planesOf(bytes: Uint8Array, [low = 0]: readonly number[]) {
  return { low: bytes.subarray(0, low), high: bytes.subarray(low) };
}

function encodeCodes(bytes: Uint8Array, parts: readonly number[], bits: PackedBits): Uint8Array | null {
  const planes = planesOf(bytes, parts);
  if (parts.length > 2 || !arePlanes(planes.low.length, planes.high.length, bits)) return null;
  const encoder = new RangeEncoder();
  const model = new SymbolModel(bits);
  for (const code of unpackSymbols(planes, bits)) model.code(encoder, code);
  return encoder.finish();
}

function decodeCodes(coded: Uint8Array, parts: readonly number[], bits: PackedBits): Uint8Array {
  const [lowLength = 0, highLength = 0] = parts;
  if (parts.length > 2 || !arePlanes(lowLength, highLength, bits))
    throw new Error("its planes are of no code");
  const planes = { low: new Uint8Array(lowLength), high: new Uint8Array(highLength) };
  const codes = unpackSymbols(planes, bits);
  const decoder = new RangeDecoder(coded);
  const model = new SymbolModel(bits);
  for (let i = 0; i < codes.length; i++) codes[i] = model.code(decoder, 0);
  const { low, high } = packSymbols(codes, bits);
  return withLength(Buffer.concat([low, high]), lowLength + highLength);
}

/** Planes that are stored come first, from the top byte down, then one range code of all others. */
function encodeNumbers(bytes: Uint8Array, planes: readonly PlaneCoding[]): Uint8Array | null {
  const width = planes.length;
  const count = bytes.length / width;
  if (!Number.isInteger(count)) return null;
  const encoder = new RangeEncoder();
  codePlanes(encoder, bytes, planes);
  const stored = planes.flatMap((plane, i) =>
    plane === "stored"
      ? [Uint8Array.from({ length: count }, (_, at) => bytes[at * width + width - 1 - i]!)]
      : [],
  );
  return Buffer.concat([...stored, encoder.finish()]);
}

function decodeNumbers(coded: Uint8Array, length: number, planes: readonly PlaneCoding[]): Uint8Array {
  const width = planes.length;
  const count = length / width;
  if (!Number.isInteger(count)) throw new Error("its elements are not whole");
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [i, plane] of planes.entries()) {
    if (plane !== "stored") continue;
    if (at + count > coded.length) throw new Error("a plane of it is cut off");
    for (let element = 0; element < count; element++)
      bytes[element * width + width - 1 - i] = coded[at + element]!;
    at += count;
  }
  codePlanes(new RangeDecoder(coded.subarray(at)), bytes, planes);
  return bytes;
}

/** The planes that are not stored, of little-endian elements: out of `bytes`, or into them. */
function codePlanes(coder: BitCoder, bytes: Uint8Array, planes: readonly PlaneCoding[]): void {
  const width = planes.length;
  for (const [i, plane] of planes.entries()) {
    if (plane === "stored") continue;
    const isAbove = plane === "above" && i > 0;
    const model = new SymbolModel(8, isAbove ? 256 : 1);
    for (let at = width - 1 - i; at < bytes.length; at += width) {
      bytes[at] = model.code(coder, bytes[at]!, isAbove ? bytes[at + 1]! : 0);
    }
  }
}
