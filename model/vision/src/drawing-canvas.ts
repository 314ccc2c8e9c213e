/**
 * Pixels to draw into, and what is drawn into them: filled rectangles and letters. They are blended into the pixels
 * here, since no decoder of drawings is allowed in the process.
 */
import sharp from "sharp";
import type { Image } from "./image.ts";
import { openWhole, unreadable } from "./tensors/decode.ts";

export type Colour = readonly [number, number, number];

/** Light letters are readable on all of them (Tol's bright scheme, darkened). */
export const colours: readonly Colour[] = [
  [200, 30, 50],
  [0, 90, 160],
  [20, 120, 50],
  [150, 80, 0],
  [120, 40, 130],
  [0, 115, 125],
  [90, 90, 90],
];

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue. */
  readonly data: Uint8Array;
}

/** Of letters and lines: larger in larger images. */
export function scaleOf({ width, height }: Canvas): number {
  return Math.max(1, Math.min(width, height) / 400);
}

/** Pixels of the width of a line. */
export function lineOf(scale: number): number {
  return Math.max(2, Math.round(2 * scale));
}

/** @param id names the image in a message. @throws IMAGES_UNREADABLE */
export async function canvasOf(image: Image, id: string): Promise<Canvas> {
  try {
    const pixels = (await openWhole(image)).toColourspace("srgb");
    const { data, info } = await pixels.raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels === 3) return { width, height, data };
    const spread = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) {
      const level = data[i * channels]!;
      spread[3 * i] = level;
      spread[3 * i + 1] = level;
      spread[3 * i + 2] = level;
    }
    return { width, height, data: spread };
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}

export async function pngOf({ data, width, height }: Canvas): Promise<Uint8Array> {
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

export function fill(
  canvas: Canvas,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
): void {
  const { width, height, data } = canvas;
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, right); x++) data.set(colour, (y * width + x) * 3);
  }
}

export interface Letters {
  readonly width: number;
  readonly height: number;
  /** Opacity of each pixel, 0 to 1. */
  opacity(x: number, y: number): number;
}

/** Characters of a name that are drawn: a name of others may have millions. */
const mostLetters = 80;

/** What has no letter of its own: controls, formats, ends of lines, halves of characters. Not the joiners, which scripts need. */
const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Null where the text is blank. */
export async function lettersOf(text: string, scale: number): Promise<Letters | null> {
  const seen = text.slice(0, 2 * mostLetters + 1).replace(unseen, "\ufffd");
  const begun = Array.from(seen.slice(0, 2 * mostLetters));
  const isShort = begun.length <= mostLetters && seen.length <= 2 * mostLetters;
  const drawn = isShort ? seen : `${begun.slice(0, mostLetters - 1).join("")}…`;
  const escaped = drawn.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").trim();
  if (escaped === "") return null;
  const { data, info } = await sharp({
    text: { text: escaped, font: "sans 10", dpi: Math.round(96 * scale), rgba: true },
  })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { width, height, opacity: (x, y) => data[(y * width + x) * channels + channels - 1]! / 255 };
}

/** Light letters on a rectangle that is wider and higher by `margin` on each side. */
export function stamp(
  canvas: Canvas,
  { width, height, opacity }: Letters,
  left: number,
  top: number,
  margin: number,
  colour: Colour,
): void {
  fill(canvas, left, top, left + width + 2 * margin, top + height + 2 * margin, colour);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [left + margin + column, top + margin + row];
      if (x < canvas.width && y < canvas.height)
        blend(canvas, y * canvas.width + x, [255, 255, 255], opacity(column, row));
    }
  }
}

/** @param pixel row by row. @param opacity 0 to 1. */
export function blend({ data }: Canvas, pixel: number, colour: Colour, opacity: number): void {
  for (let c = 0; c < 3; c++) {
    data[3 * pixel + c] = Math.round(data[3 * pixel + c]! * (1 - opacity) + colour[c]! * opacity);
  }
}
