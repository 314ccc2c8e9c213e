/**
 * Which coder a part of a file gets: the one that makes it smallest, judged on a sample where the part is large. Measured on
 * trained networks: the codes of a layer are as good as independent, so that statistics of the layer are all there is to
 * learn (its rows, columns and neighbours gain under 0.5 %), and of a float the sign and exponent have something to gain, the top of
 * the mantissa a little beside them, and the rest nothing.
 */
import { brotliCompressSync } from "node:zlib";
import { brotliParameters, type Coding, encodePart, type PackedBits, type PlaneCoding } from "./coders.ts";

/** What the elements of a part are. */
export type Elements =
  /** No elements: names, nodes, and what else is not weights. */
  | { readonly kind: "text" }
  /** Whole bytes, `width` an element. */
  | { readonly kind: "numbers"; readonly width: number }
  /** Fields of bits that may be codes, in one plane or two. */
  | { readonly kind: "codes"; readonly bits: readonly PackedBits[] };

const sampleBytes = 2 ** 18;
const textSampleBytes = 2 ** 16;
const quickQuality = 5;

/** @param parts lengths of the extents that make up `bytes`. */
export function choosePartCoding(
  bytes: Uint8Array,
  parts: readonly number[],
  elements: Elements,
): { readonly coding: Coding; readonly coded: Uint8Array } {
  const tried: Coding[] = [];
  if (elements.kind === "numbers" && bytes.length % elements.width === 0) {
    tried.push({ coder: "numbers", planes: choosePlanes(bytes, elements.width) });
  }
  if (elements.kind === "codes") {
    tried.push(
      { coder: "numbers", planes: ["alone"] },
      ...elements.bits.map((bits): Coding => ({ coder: "codes", bits })),
    );
  }
  let best: { coding: Coding; coded: Uint8Array } = { coding: { coder: "stored" }, coded: bytes };
  for (const coding of tried) {
    const coded = encodePart(bytes, parts, coding);
    if (coded !== null && coded.length < best.coded.length) best = { coding, coded };
  }
  // The slowest is asked only where a quick look says that repetition may gain more than statistics.
  if (elements.kind === "text" || repeats(bytes, best.coded.length / bytes.length)) {
    const coded = encodePart(bytes, parts, { coder: "brotli" })!;
    if (coded.length < best.coded.length) best = { coding: { coder: "brotli" }, coded };
  }
  return best;
}

function repeats(bytes: Uint8Array, share: number): boolean {
  const sample = middle(bytes, textSampleBytes, 1);
  const coded = brotliCompressSync(sample, { params: brotliParameters(sample.length, quickQuality) });
  return coded.length < share * sample.length;
}

/** Each byte of the elements by itself, from the top. */
function choosePlanes(bytes: Uint8Array, width: number): PlaneCoding[] {
  const sample = middle(bytes, sampleBytes, width);
  return Array.from({ length: width }, (_, i) => {
    const pairs = i === 0 ? planeOf(sample, width, i) : planeOf(sample, width, i - 1, 2);
    const alone = sizeOf(i === 0 ? pairs : planeOf(sample, width, i), ["alone"]);
    const stored = sample.length / width;
    if (i === 0) return alone < stored ? "alone" : "stored";
    const above = sizeOf(pairs, ["stored", "above"]) - stored;
    if (Math.min(alone, above) >= stored) return "stored";
    return above < alone ? "above" : "alone";
  });
}

/** The bytes of `count` planes from the one at `from`, counted from the top, as elements of that width. */
function planeOf(bytes: Uint8Array, width: number, from: number, count = 1): Uint8Array {
  const elements = bytes.length / width;
  const planes = new Uint8Array(elements * count);
  for (let element = 0; element < elements; element++) {
    for (let i = 0; i < count; i++) {
      planes[element * count + i] = bytes[element * width + width - from - count + i]!;
    }
  }
  return planes;
}

function sizeOf(bytes: Uint8Array, planes: readonly PlaneCoding[]): number {
  return encodePart(bytes, [bytes.length], { coder: "numbers", planes })!.length;
}

function middle(bytes: Uint8Array, most: number, width: number): Uint8Array {
  if (bytes.length <= most) return bytes;
  const start = Math.floor((bytes.length - most) / 2 / width) * width;
  return bytes.subarray(start, start + most);
}
