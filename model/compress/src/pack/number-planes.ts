/**
 * Numbers of several bytes, little-endian: the bytes of one weight of all elements are a plane. Of a trained float the sign and
 * exponent have something to gain, the top of the mantissa a little beside the byte above it, and the rest nothing.
 */
import { type BitCoder, RangeDecoder, RangeEncoder } from "./range-coder.ts";
import { SymbolModel } from "./symbol-model.ts";

/** As it is, with statistics of its own, or with some for each value of the byte above it. */
export type PlaneCoding = (typeof planeCodings)[number];
export const planeCodings = ["stored", "alone", "above"] as const;

/**
 * Planes that are stored come first, from the top down, then one range code of all others.
 * @param planes from the top. @returns null where the elements are not whole
 */
export function encodeNumbers(bytes: Uint8Array, planes: readonly PlaneCoding[]): Uint8Array | null {
  const width = planes.length;
  const count = bytes.length / width;
  if (!Number.isInteger(count)) return null;
  const encoder = new RangeEncoder();
  codePlanes(encoder, bytes, planes);
  const stored = planes.flatMap((plane, i) => {
    if (plane !== "stored") return [];
    return [Uint8Array.from({ length: count }, (_, at) => bytes[at * width + width - 1 - i]!)];
  });
  return Buffer.concat([...stored, encoder.finish()]);
}

/** @throws Error where the elements are not whole, or a stored plane is not */
export function decodeNumbers(coded: Uint8Array, length: number, planes: readonly PlaneCoding[]): Uint8Array {
  const width = planes.length;
  const count = length / width;
  if (!Number.isInteger(count)) throw new Error("its elements are not whole");
  const bytes = new Uint8Array(length);
  let from = 0;
  for (const [i, plane] of planes.entries()) {
    if (plane !== "stored") continue;
    if (from + count > coded.length) throw new Error("a plane of it is cut off");
    for (let at = 0; at < count; at++) bytes[at * width + width - 1 - i] = coded[from + at]!;
    from += count;
  }
  codePlanes(new RangeDecoder(coded.subarray(from)), bytes, planes);
  return bytes;
}

/** The planes that are not stored: out of `bytes`, or into them. */
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
