/** A class for each pixel as a PNG of one channel, which any reader of masks takes: the value of a pixel is its class. */
import sharp from "sharp";

/** Of pixels about which the model says nothing, for its preprocessing cuts them off: 255, as in Pascal VOC. */
const unsaid = 255;

/**
 * 8 bits, or 16 where a class has a number of 255 or more; 255, in 16 bits 65535, is a pixel without a class.
 * @param classOf each pixel, row by row; less than 0 where nothing is known.
 */
export async function maskPng(
  classOf: Int32Array,
  size: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  const { width, height } = size;
  const isWide = classOf.some((each) => each >= unsaid);
  const pixels = isWide
    ? new Uint16Array(classOf.length).fill(0xffff)
    : new Uint8Array(classOf.length).fill(unsaid);
  for (let i = 0; i < classOf.length; i++) if (classOf[i]! >= 0) pixels[i] = classOf[i]!;
  return await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace(isWide ? "grey16" : "b-w")
    .png()
    .toBuffer();
}
