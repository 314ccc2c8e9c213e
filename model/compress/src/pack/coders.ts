/**
 * How the bytes of a part of a file are coded: a table, one row a coder. What a coder was told travels with what it coded, so
 * that unpacking looks at nothing else. See docs/packed-container.md for the layout of each.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { type CodeCoding, codesOf, decodeCodes, encodeCodes } from "./code-planes.ts";
import { decodeNumbers, encodeNumbers, type PlaneCoding } from "./number-planes.ts";

/** `stored` is the bytes themselves. */
export type Coding =
  | { readonly coder: "stored" }
  | { readonly coder: "brotli" }
  | { readonly coder: "numbers"; readonly planes: readonly PlaneCoding[] }
  | CodeCoding;

/** @param parts lengths of the extents that the bytes lie in. @returns null where the coding does not fit these bytes */
export function encodePart(bytes: Uint8Array, parts: readonly number[], coding: Coding): Uint8Array | null {
  switch (coding.coder) {
    case "stored":
      return bytes;
    case "brotli":
      return brotliCompressSync(bytes, {
        params: brotliParameters(bytes.length, constants.BROTLI_MAX_QUALITY),
      });
    case "codes": {
      const codes = codesOf(bytes, parts, coding.bits);
      return codes === null ? null : encodeCodes(codes, coding);
    }
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
      return withLength(decodeCodes(coded, parts, coding), length);
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
