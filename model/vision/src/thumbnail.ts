/** A small image for a report or a page, as a data URI that needs no file. */
import type { ImageSource } from "./image.ts";
import { openPixels, unreadable } from "./tensors/decode.ts";

/**
 * PNG that fits into a square of `size` pixels, in proportion. Smaller images are enlarged pixel by
 * pixel: at 32 x 32 a viewer wants to see what the model sees.
 * @param size default 96. @throws IMAGES_UNREADABLE
 */
export async function thumbnail(source: ImageSource, index: number, size = 96): Promise<string> {
  try {
    const pipeline = await openPixels(await source.image(index));
    const png = await pipeline
      .resize({ width: size, height: size, fit: "inside", withoutEnlargement: true })
      .png({ compressionLevel: 9 })
      .toBuffer({ resolveWithObject: true });
    const { width, height } = png.info;
    const enlarged = Math.max(width, height) < size;
    const bytes = enlarged ? await enlarge(png.data, size) : png.data;
    return `data:image/png;base64,${bytes.toString("base64")}`;
  } catch (thrown) {
    throw unreadable(source.id(index), thrown);
  }
}

async function enlarge(png: Uint8Array, size: number): Promise<Buffer> {
  const pipeline = await openPixels({ kind: "encoded", bytes: png });
  return await pipeline
    .resize({ width: size, height: size, fit: "inside", kernel: "nearest" })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
