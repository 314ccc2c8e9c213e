/**
 * An image with boxes drawn into it, each with a line of text: for a person who wants to see what a model sees.
 * Lines and letters are blended into the pixels here, since no decoder of drawings is allowed in the process.
 */
import sharp from "sharp";
import type { Image } from "./image.ts";
import { openPixels, unreadable } from "./tensors/decode.ts";

export interface DrawnBox {
  /** In pixels of the upright image. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly text: string;
  /** A whole number: boxes of the same one have the same colour, such as those of a class. */
  readonly group: number;
}

type Colour = readonly [number, number, number];

/** Light letters are readable on all of them (Tol's bright scheme, darkened). */
const colours: readonly Colour[] = [
  [200, 30, 50],
  [0, 90, 160],
  [20, 120, 50],
  [150, 80, 0],
  [120, 40, 130],
  [0, 115, 125],
  [90, 90, 90],
];

interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue. */
  readonly data: Uint8Array;
}

/**
 * As PNG. @param boxes the first is drawn last, above the others. @param id names the image in a message.
 * @throws IMAGES_UNREADABLE
 */
export async function drawBoxes(image: Image, boxes: readonly DrawnBox[], id: string): Promise<Uint8Array> {
  const canvas = await canvasOf(image, id);
  const scale = Math.max(1, Math.min(canvas.width, canvas.height) / 400);
  const line = Math.max(2, Math.round(2 * scale));
  for (const box of [...boxes].reverse()) {
    const colour = colours[box.group % colours.length]!;
    drawFrame(canvas, box, line, colour);
    await drawText(canvas, box, line, colour, scale);
  }
  const { data, width, height } = canvas;
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

async function canvasOf(image: Image, id: string): Promise<Canvas> {
  try {
    const pixels = (await openPixels(image)).toColourspace("srgb");
    const { data, info } = await pixels.raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels === 3) return { width, height, data };
    const spread = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) spread.fill(data[i * channels]!, 3 * i, 3 * i + 3);
    return { width, height, data: spread };
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}

function drawFrame(canvas: Canvas, box: DrawnBox, line: number, colour: Colour): void {
  const [left, top] = [Math.round(box.left), Math.round(box.top)];
  const [right, bottom] = [Math.round(box.right), Math.round(box.bottom)];
  fill(canvas, left, top, right, top + line, colour);
  fill(canvas, left, bottom - line, right, bottom, colour);
  fill(canvas, left, top, left + line, bottom, colour);
  fill(canvas, right - line, top, right, bottom, colour);
}

/** Above the box where there is room, else inside it; never out of the image. */
async function drawText(
  canvas: Canvas,
  { left, top, text }: DrawnBox,
  line: number,
  colour: Colour,
  scale: number,
): Promise<void> {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").trim();
  if (escaped === "") return;
  const letters = await sharp({
    text: { text: escaped, font: "sans 10", dpi: Math.round(96 * scale), rgba: true },
  })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = letters.info;
  const [wide, tall] = [width + 2 * line, height + 2 * line];
  const x = Math.max(0, Math.min(Math.round(left), canvas.width - wide));
  const y = top >= tall ? Math.round(top) - tall : Math.max(0, Math.round(top));
  fill(canvas, x, y, x + wide, y + tall, colour);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [atX, atY] = [x + line + column, y + line + row];
      if (atX >= canvas.width || atY >= canvas.height) continue;
      const opacity = letters.data[(row * width + column) * channels + channels - 1]! / 255;
      const at = (atY * canvas.width + atX) * 3;
      for (let c = 0; c < 3; c++) {
        canvas.data[at + c] = Math.round(canvas.data[at + c]! * (1 - opacity) + 255 * opacity);
      }
    }
  }
}

function fill(
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
