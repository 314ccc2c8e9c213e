/**
 * What one image may take of memory, decided by its header, before a pixel is decoded: a hundred bytes of a file can
 * say a hundred million pixels. Counted are the pixels that the decoder holds, those that come out of it, and what
 * resampling makes of them. Several images are decoded at once, as many as `workers` say.
 */
import { bytesText, own } from "@cupel/base";
import type { Metadata } from "sharp";

/** Bytes of one image while it is read, unless the caller says otherwise. */
export const MEMORY_PER_IMAGE = 512_000_000;

/** The fewest bytes a pixel for which memory is kept: no image has more pixels than a fourth of the limit. */
const LEAST_PER_PIXEL = 4;

/** A longer side of a file is refused: decoders take a microsecond or so for each row, however short. libpng's limit as well. */
const LONGEST_STORED = 1_000_000;

/** A longer side after the resize is a mistake; its pixels are not made, but `nearest` walks along them. */
const LONGEST_SIDE = 2 ** 27;

export const mostPixels = (memory: number): number => Math.floor(memory / LEAST_PER_PIXEL);

/**
 * Bytes a pixel that a decoder holds of a whole image before the first line comes out of it; nothing where it reads line
 * by line. Measured as the growth of the process on images of 24 million pixels (sharp 0.35, libvips 8.18), rounded up.
 */
const HELD: Readonly<Record<string, (found: Metadata) => number>> = {
  // All coefficients, of two bytes.
  jpeg: ({ isProgressive, channels }) => (isProgressive ? 2 * channels : 0),
  png: (found) => (found.isProgressive ? found.channels * sampleBytes(found) + 2 : 0),
  // A strip or tile may be the whole image.
  tiff: (found) => found.channels * sampleBytes(found),
  webp: () => 10,
  gif: () => 6,
  heif: () => 20,
};

/** Of a format that is not in the table, as if it were held whole in the largest form. */
const heldOfOthers = 20;

/** An image that is stored lying is turned as a whole. */
const turnedBytes = 3;

/** @returns bytes that decoding holds, the pixels that come out not counted */
export function heldBytes(found: Metadata): number {
  const held = own(HELD, found.format ?? "")?.(found) ?? heldOfOthers;
  const turned = (found.orientation ?? 1) > 1 ? turnedBytes : 0;
  return found.width * found.height * (held + turned);
}

function sampleBytes({ depth }: Metadata): number {
  return depth === "uchar" || depth === "char" ? 1 : depth === "ushort" || depth === "short" ? 2 : 4;
}

/** @throws Error that completes a sentence on the image */
export function assertPixels(width: number, height: number, memory: number): void {
  const most = mostPixels(memory);
  if (Math.max(width, height) > LONGEST_STORED) {
    throw new Error(
      `it has ${width} x ${height} pixels, and at most ${LONGEST_STORED} on a side are decoded`,
    );
  }
  if (width * height <= most) return;
  const millions = (pixels: number): string => (pixels / 1e6).toFixed(0);
  throw new Error(
    `it has ${width} x ${height} pixels, ${millions(width * height)} million, and at most ${millions(most)} million are decoded`,
  );
}

/** @param what takes them, such as "decoding its 5000 x 5000 pixels". @throws Error likewise */
export function assertMemory(bytes: number, memory: number, what: string): void {
  if (bytes <= memory) return;
  throw new Error(
    `${what} takes ${bytesText(bytes)}, and at most ${bytesText(memory)} are used for an image`,
  );
}

/** @throws Error likewise */
export function assertResized({ width, height }: { readonly width: number; readonly height: number }): void {
  if (Math.max(width, height) <= LONGEST_SIDE) return;
  throw new Error(`resized it would have ${width} x ${height} pixels, and at most ${LONGEST_SIDE} on a side`);
}
