/** What is told of an image with its size and, where it was asked for, the image with what was seen drawn into it. */
import type { Image, Size } from "@cupel/vision";
import type { ToldImage } from "./answer-forms.ts";
import { decodeSlots } from "./decode-slots.ts";
import type { ImageAnswer } from "./predict-request.ts";
import { imageError, type Place } from "./read-tensors.ts";

/** @param picture to draw into; undefined where no drawing is wanted. @throws IMAGE_INVALID, CANCELLED, DEADLINE_EXCEEDED */
export async function imageAnswer(
  { told, draw }: ToldImage,
  { width, height }: Size,
  picture: Image | undefined,
  { index, name, signal }: Place,
): Promise<ImageAnswer> {
  if (picture === undefined || draw === undefined) return { width, height, ...told };
  try {
    return { width, height, ...told, drawing: await decodeSlots.use(signal, () => draw(picture, name)) };
  } catch (thrown) {
    throw imageError(thrown, index);
  }
}
