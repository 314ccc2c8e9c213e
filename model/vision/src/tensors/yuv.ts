/**
 * Pixels as cameras and video decoders give them, 8-bit 4:2:0: brightness of every pixel, and two colour differences of
 * every two by two. ITU-R BT.601-7 in limited range, section 2.5: black is 16 and white 235, differences are 128 +- 112.
 * A difference holds for all pixels of its square, as in libyuv and OpenCV; along an odd side the last squares are cut
 * in half, so that there are ceil(side / 2).
 */
import type { RawImage } from "../image.ts";

/**
 * How the planes lie: `i420` has all of Cb and then all of Cr behind the brightness, `nv12` both in pairs, Cb first.
 */
export type YuvLayout = "i420" | "nv12";

export interface YuvImage {
  readonly layout: YuvLayout;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Of an image of this size, without padding between its rows. */
export function yuvBytes(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** BT.601: the parts of red and blue in brightness; that of green is the rest. */
const [red, blue] = [0.299, 0.114];
const green = 1 - red - blue;
const [brightnessScale, differenceScale] = [255 / 219, 255 / 224];

const table = (factor: number, zero: number) =>
  Float64Array.from({ length: 256 }, (_, value) => factor * (value - zero));
const ofBrightness = table(brightnessScale, 16);
const redOfCr = table(differenceScale * 2 * (1 - red), 128);
const blueOfCb = table(differenceScale * 2 * (1 - blue), 128);
const greenOfCr = table((-differenceScale * 2 * (1 - red) * red) / green, 128);
const greenOfCb = table((-differenceScale * 2 * (1 - blue) * blue) / green, 128);

/** @param stopped once true, the result is of no use. */
export function rgbOfYuv({ layout, width, height, data }: YuvImage, stopped: () => boolean): RawImage {
  const across = Math.ceil(width / 2);
  const pixels = width * height;
  const [step, cr] = layout === "i420" ? [1, across * Math.ceil(height / 2)] : [2, 1];
  const out = new Uint8ClampedArray(3 * pixels);
  for (let y = 0, at = 0; y < height && !stopped(); y++) {
    const row = pixels + (y >> 1) * across * step;
    for (let x = 0; x < width; x++, at++) {
      const first = data[row + (x >> 1) * step]!;
      const second = data[row + (x >> 1) * step + cr]!;
      const light = ofBrightness[data[at]!]!;
      out[3 * at] = light + redOfCr[second]!;
      out[3 * at + 1] = light + greenOfCb[first]! + greenOfCr[second]!;
      out[3 * at + 2] = light + blueOfCb[first]!;
    }
  }
  return { kind: "raw", width, height, channels: 3, data: new Uint8Array(out.buffer) };
}
