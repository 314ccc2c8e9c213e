/**
 * An image with boxes drawn into it, each with a line of text: for a person who wants to see what a model sees.
 */
import {
  type Canvas,
  type Colour,
  canvasOf,
  colours,
  fill,
  lettersOf,
  lineOf,
  pngOf,
  scaleOf,
  stamp,
} from "./drawing-canvas.ts";
import type { Image } from "./image.ts";

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

/**
 * As PNG. @param boxes the first is drawn last, above the others. @param id names the image in a message.
 * @throws IMAGES_UNREADABLE
 */
export async function drawBoxes(image: Image, boxes: readonly DrawnBox[], id: string): Promise<Uint8Array> {
  const canvas = await canvasOf(image, id);
  const scale = scaleOf(canvas);
  const line = lineOf(scale);
  for (const box of [...boxes].reverse()) {
    const colour = colours[box.group % colours.length]!;
    drawFrame(canvas, box, line, colour);
    await drawText(canvas, box, line, colour, scale);
  }
  return await pngOf(canvas);
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
  const letters = await lettersOf(text, scale);
  if (letters === null) return;
  const [wide, tall] = [letters.width + 2 * line, letters.height + 2 * line];
  const x = Math.max(0, Math.min(Math.round(left), canvas.width - wide));
  const y = top >= tall ? Math.round(top) - tall : Math.max(0, Math.round(top));
  stamp(canvas, letters, x, y, line, colour);
}
