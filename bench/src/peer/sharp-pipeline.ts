/**
 * JPEG files to normalised floats with sharp as its documentation shows it, and a loop: what one writes
 * without Cupel. Images follow each other, and libvips has one thread, so that one core is at work at a time:
 * libuv's while sharp decodes, this one's while the loop runs.
 */
import type { Preprocessing } from "@cupel/vision";
import sharp from "sharp";

sharp.concurrency(1);

/**
 * Short side to the size asked for, bilinear, centre crop, (x / 255 - mean) / std.
 * @returns the floats of the last batch, `[N, 3, H, W]`.
 * @param atOnce images in flight; 1 is the peer, more shows what the machine gives beyond one thread.
 */
export async function sharpPipeline(
  paths: readonly string[],
  { resize, width, height, mean, std }: Preprocessing,
  batchSize: number,
  atOnce: number,
): Promise<Float32Array> {
  if (resize.kind !== "short-side") throw new Error("The peer is written for a resize of the short side.");
  const side = resize.size;
  const plane = width * height;
  const data = new Float32Array(batchSize * 3 * plane);
  let next = 0;
  const oneAfterTheOther = async (): Promise<void> => {
    for (let i = next++; i < paths.length; i = next++) {
      const { data: pixels, info } = await sharp(paths[i]!)
        .resize({ width: side, height: side, fit: "outside", kernel: "linear", fastShrinkOnLoad: false })
        .removeAlpha()
        .toColourspace("srgb")
        .raw()
        .toBuffer({ resolveWithObject: true });
      const left = Math.floor((info.width - width) / 2);
      const top = Math.floor((info.height - height) / 2);
      let to = (i % batchSize) * 3 * plane;
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const pixel = pixels[((top + y) * info.width + left + x) * 3 + c]!;
            data[to++] = (pixel / 255 - mean[c]!) / std[c]!;
          }
        }
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, oneAfterTheOther));
  return data;
}
