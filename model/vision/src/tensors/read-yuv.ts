/** Bare pixels of a camera as an image, checked. */
import type { RawImage } from "../image.ts";
import { unreadable } from "./decode.ts";
import { assertMemory, assertPixels, MEMORY_PER_IMAGE } from "./image-memory.ts";
import { pixelWork } from "./pixel-thread.ts";
import { type YuvImage, yuvBytes } from "./yuv.ts";

/**
 * In red, green and blue; much of it in another thread.
 * @param id names the image in the message.
 * @throws IMAGES_UNREADABLE, CANCELLED, DEADLINE_EXCEEDED
 */
export async function readYuv(image: YuvImage, id: string, signal?: AbortSignal): Promise<RawImage> {
  const { layout, width, height, data } = image;
  try {
    const needed = yuvBytes(width, height);
    if (data.length !== needed) {
      throw new Error(
        `${layout} pixels of ${width} x ${height} are ${needed} bytes, and it has ${data.length}`,
      );
    }
    assertPixels(width, height, MEMORY_PER_IMAGE);
    // As it came, once more where it moves to a thread, and its colours.
    assertMemory(
      2 * data.length + 3 * width * height,
      MEMORY_PER_IMAGE,
      `converting its ${width} x ${height} pixels`,
    );
    return await pixelWork({ kind: "yuv", image }, signal);
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}
