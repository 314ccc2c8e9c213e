/**
 * Looks through CBOR (RFC 8949) before it is decoded, without recursion: decoders overflow the stack on what nests deep,
 * and believe the lengths they are told. What passes is the part of CBOR that a request needs: lengths that are stated
 * and are there, keys that are text, and of all tags those of typed arrays (RFC 8746).
 */
import { serveErrors } from "../errors.ts";

/** Arrays and maps within each other. */
const deepest = 64;

/** Bytes of an element, by tag: big-endian ones, then little-endian ones. Floats of 128 bits are none of ours. */
const elementSizes: ReadonlyMap<number, number> = new Map([
  [64, 1],
  [65, 2],
  [66, 4],
  [67, 8],
  [68, 1],
  [69, 2],
  [70, 4],
  [71, 8],
  [72, 1],
  [73, 2],
  [74, 4],
  [75, 8],
  [77, 2],
  [78, 4],
  [79, 8],
  [80, 2],
  [81, 4],
  [82, 8],
  [84, 2],
  [85, 4],
  [86, 8],
]);

const major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

/** @throws REQUEST_INVALID */
export function scanCbor(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** Items still to come at each level, and whether it is a map's: its keys are the even ones from the end. */
  const left = new Float64Array(deepest + 1);
  const isMap = new Uint8Array(deepest + 1);
  let depth = 0;
  left[0] = 1;
  /** Of the tag that was just read; 0 for none. */
  let elementSize = 0;
  let at = 0;
  while (depth > 0 || left[0]! > 0) {
    if (left[depth] === 0) {
      depth--;
      continue;
    }
    if (at >= bytes.length) throw malformed("ends early", at);
    const kind = bytes[at]! >> 5;
    const info = bytes[at]! & 31;
    const size = argumentSize(info, at);
    if (at + 1 + size > bytes.length) throw malformed("ends early", at);
    const argument = size === 0 ? info : argumentOf(view, at + 1, size);
    const start = at;
    at += 1 + size;
    if (elementSize > 0 && (kind !== major.bytes || argument % elementSize !== 0)) {
      throw malformed("has a typed array whose bytes are not whole elements", start);
    }
    if (isMap[depth] === 1 && left[depth]! % 2 === 0 && kind !== major.text) {
      throw malformed("has a key that is no text", start);
    }
    if (kind === major.tag) {
      elementSize = elementSizes.get(argument) ?? 0;
      if (elementSize === 0)
        throw malformed(`has the tag ${argument}; tags of typed arrays are taken`, start);
      continue;
    }
    elementSize = 0;
    left[depth]!--;
    if (kind === major.bytes || kind === major.text) {
      if (argument > bytes.length - at) throw malformed("states more bytes than it has", start);
      at += argument;
    } else if (kind === major.array || kind === major.map) {
      const items = kind === major.map ? argument * 2 : argument;
      if (items > bytes.length - at) throw malformed("states more items than it has", start);
      if (depth === deepest) throw malformed(`is nested more than ${deepest} levels deep`, start);
      depth++;
      left[depth] = items;
      isMap[depth] = kind === major.map ? 1 : 0;
    } else if (kind === 7 && (info < 20 || info === 24)) {
      throw malformed("has a simple value that means nothing here", start);
    }
  }
  if (at !== bytes.length) throw malformed("goes on after its end", at);
}

function argumentSize(info: number, at: number): number {
  if (info < 24) return 0;
  if (info <= 27) return 2 ** (info - 24);
  throw malformed(info === 31 ? "has a length that is not stated; state it" : "is not well formed", at);
}

function argumentOf(view: DataView, at: number, size: number): number {
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at);
  if (size === 4) return view.getUint32(at);
  // Of a number it does not matter that it is rounded, and no length is that long.
  return Number(view.getBigUint64(at));
}

function malformed(what: string, at: number): Error {
  return serveErrors.error("REQUEST_INVALID", `The CBOR ${what} (byte ${at}).`, { details: { byte: at } });
}
