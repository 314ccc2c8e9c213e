/**
 * Which coder a part of a file gets: the one that makes it smallest, judged on a sample where the part is large. Measured on
 * trained networks: codes are as good as independent but for their neighbours in a kernel (rows, columns, channels and codes before gain
 * under 0.5 %), so that statistics of the layer and one context are all there is.
 */
import { brotliCompressSync } from "node:zlib";
import { type CodeBits, type CodeCoding, codesOf, encodeCodes } from "./code-planes.ts";
import { brotliParameters, type Coding, encodePart } from "./coders.ts";
import { encodeNumbers, type PlaneCoding } from "./number-planes.ts";

/** What the elements of a part are. */
export type Elements =
  /** No elements: names, nodes, and what else is not weights. */
  | { readonly kind: "text" }
  /** Of `width` bytes each, two or more. */
  | { readonly kind: "numbers"; readonly width: number }
  /** Of few bits, in one plane or two. Which width it is, and which kernel, is tried. */
  | {
      readonly kind: "codes";
      readonly bits: readonly CodeBits[];
      readonly isSigned: boolean;
      readonly sides: readonly number[];
    };

const sampled = 2 ** 16;
const quickQuality = 5;

/** @param parts lengths of the extents that make up `bytes`. */
export function choosePartCoding(
  bytes: Uint8Array,
  parts: readonly number[],
  elements: Elements,
): { readonly coding: Coding; readonly coded: Uint8Array } {
  let best: { coding: Coding; coded: Uint8Array } = { coding: { coder: "stored" }, coded: bytes };
  const likely = likelyCoding(bytes, parts, elements);
  const coded = likely && encodePart(bytes, parts, likely);
  if (likely && coded && coded.length < bytes.length) best = { coding: likely, coded };
  // The slowest is asked only where a quick look says that repetition may gain more than statistics.
  if (elements.kind === "text" || repeats(bytes, best.coded.length / bytes.length)) {
    const coded = encodePart(bytes, parts, { coder: "brotli" })!;
    if (coded.length < best.coded.length) best = { coding: { coder: "brotli" }, coded };
  }
  return best;
}

function likelyCoding(bytes: Uint8Array, parts: readonly number[], elements: Elements): Coding | null {
  switch (elements.kind) {
    case "text":
      return null;
    case "numbers":
      return bytes.length % elements.width === 0
        ? { coder: "numbers", planes: choosePlanes(bytes, elements.width) }
        : null;
    case "codes":
      return chooseCodes(bytes, parts, elements);
  }
}

function chooseCodes(
  bytes: Uint8Array,
  parts: readonly number[],
  { bits, isSigned, sides }: Elements & { readonly kind: "codes" },
): CodeCoding | null {
  let best: CodeCoding | null = null;
  let bestShare = Number.POSITIVE_INFINITY;
  for (const width of bits) {
    const codes = codesOf(bytes, parts, width);
    if (codes === null) continue;
    const sample = codes.subarray(0, sampled);
    for (const side of sides) {
      const coding: CodeCoding = { coder: "codes", bits: width, isSigned, side };
      const share = encodeCodes(sample, coding).length / (sample.length * width);
      if (share < bestShare) {
        best = coding;
        bestShare = share;
      }
    }
  }
  return best;
}

function repeats(bytes: Uint8Array, share: number): boolean {
  const sample = middle(bytes, sampled, 1);
  const coded = brotliCompressSync(sample, { params: brotliParameters(sample.length, quickQuality) });
  return coded.length < share * sample.length;
}

/** Each byte of the elements by itself, from the top. */
function choosePlanes(bytes: Uint8Array, width: number): PlaneCoding[] {
  const sample = middle(bytes, width * sampled, width);
  return Array.from({ length: width }, (_, i): PlaneCoding => {
    const stored = sample.length / width;
    const alone = encodeNumbers(planesOf(sample, width, i, 1), ["alone"])!.length;
    const above =
      i === 0
        ? Number.POSITIVE_INFINITY
        : encodeNumbers(planesOf(sample, width, i - 1, 2), ["stored", "above"])!.length - stored;
    if (Math.min(alone, above) >= stored) return "stored";
    return above < alone ? "above" : "alone";
  });
}

/** `count` planes from the one at `from`, counted from the top, as elements of that width. */
function planesOf(bytes: Uint8Array, width: number, from: number, count: number): Uint8Array {
  const elements = bytes.length / width;
  const planes = new Uint8Array(elements * count);
  for (let element = 0; element < elements; element++) {
    for (let i = 0; i < count; i++) {
      planes[element * count + i] = bytes[element * width + width - from - count + i]!;
    }
  }
  return planes;
}

function middle(bytes: Uint8Array, most: number, width: number): Uint8Array {
  if (bytes.length <= most) return bytes;
  const start = Math.floor((bytes.length - most) / 2 / width) * width;
  return bytes.subarray(start, start + most);
}
