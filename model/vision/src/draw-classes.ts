/** An image with the class of each pixel laid over it in colour, and the names of the classes: for a person who wants to see what a model sees. */
import { createTurns } from "@cupel/base";
import { blend, canvasOf, colours, lettersOf, lineOf, pngOf, scaleOf, stamp } from "./drawing-canvas.ts";
import { visionErrors } from "./errors.ts";
import type { Image } from "./image.ts";

export interface DrawnClass {
  readonly classIndex: number;
  readonly text: string;
}

/** Between two looks at what else there is to do. */
const longestMs = 4;

/** Of the colour of a class; the rest is the image. */
const opacity = 0.5;

/**
 * As PNG. @param classOf each pixel of the upright image, row by row. @param drawn the classes that are coloured, with
 * what is written in the first corner. @param id names the image in a message.
 * @throws IMAGES_UNREADABLE, SELECTION_INVALID where `classOf` has another number of pixels
 */
export async function drawClasses(
  image: Image,
  classOf: Int32Array,
  drawn: readonly DrawnClass[],
  id: string,
): Promise<Uint8Array> {
  const canvas = await canvasOf(image, id);
  if (classOf.length !== canvas.width * canvas.height) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `There are classes of ${classOf.length} pixels, but ${id} has ${canvas.width} x ${canvas.height}.`,
    );
  }
  const colourOf = new Map(
    drawn.map(({ classIndex }) => [classIndex, colours[classIndex % colours.length]!] as const),
  );
  const turn = createTurns(longestMs);
  for (let from = 0; from < classOf.length; from += canvas.width) {
    await turn();
    for (let pixel = from; pixel < from + canvas.width; pixel++) {
      const colour = colourOf.get(classOf[pixel]!);
      if (colour) blend(canvas, pixel, colour, opacity);
    }
  }
  const scale = scaleOf(canvas);
  const margin = lineOf(scale);
  let top = 0;
  for (const { classIndex, text } of drawn) {
    const letters = await lettersOf(text, scale);
    if (letters === null) continue;
    stamp(canvas, letters, 0, top, margin, colourOf.get(classIndex)!);
    top += letters.height + 2 * margin;
  }
  return await pngOf(canvas);
}
