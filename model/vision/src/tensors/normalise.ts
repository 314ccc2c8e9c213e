/**
 * Pixels become floats: centre crop, channel order and normalisation in one pass over the output.
 *
 * A channel has 256 possible inputs, so (x * scale - mean) / std is computed once per value in double
 * precision and looked up after that: exact, and the loop has no arithmetic but indices.
 */
import type { RawImage } from "../image.ts";
import { CHANNELS, type Preprocessing } from "../preprocessing/preprocessing.ts";

export interface Normaliser {
  /** Floats that one image takes. */
  readonly valuesPerImage: number;
  /** Writes one image into `out` at `offset`, all of its values. */
  write(image: RawImage, out: Float32Array, offset: number): void;
}

/** Prepares the tables once for many images. */
export function createNormaliser(preprocessing: Preprocessing): Normaliser {
  const { width, height, colour, layout, scale, mean, std } = preprocessing;
  const channels = CHANNELS[colour];
  const tables = mean.map((channelMean, c) =>
    Float32Array.from({ length: 256 }, (_, x) => (x * scale - channelMean) / std[c]!),
  );
  const plane = width * height;
  const [pixelStride, channelStride] = layout === "NCHW" ? [1, plane] : [channels, 1];

  return {
    valuesPerImage: plane * channels,
    write(image, out, offset) {
      const source = colour === "grey" && image.channels === 3 ? toGrey(image) : image;
      const across = cropAlong(source.width, width);
      const down = cropAlong(source.height, height);
      if (across.length < width || down.length < height) {
        tables.forEach(([black], c) => {
          const start = offset + c * channelStride;
          for (let i = 0; i < plane; i++) out[start + i * pixelStride] = black!;
        });
      }
      const writeRow = source.channels === 3 ? writeColours : spreadGrey;
      for (let row = 0; row < down.length; row++) {
        const from = ((down.from + row) * source.width + across.from) * source.channels;
        const to = offset + ((down.to + row) * width + across.to) * pixelStride;
        writeRow(source.data, from, across.length, out, to);
      }
    },
  };

  /** Three channels to three, each pixel read once. */
  function writeColours(data: Uint8Array, from: number, count: number, out: Float32Array, to: number): void {
    const [first, second, third] = tables;
    const [left, right] = colour === "bgr" ? [2, 0] : [0, 2];
    for (let end = from + count * 3; from < end; from += 3, to += pixelStride) {
      out[to] = first![data[from + left]!]!;
      out[to + channelStride] = second![data[from + 1]!]!;
      out[to + 2 * channelStride] = third![data[from + right]!]!;
    }
  }

  /** One channel to each channel of the tensor. */
  function spreadGrey(data: Uint8Array, from: number, count: number, out: Float32Array, to: number): void {
    tables.forEach((table, c) => {
      let at = to + c * channelStride;
      for (let i = from; i < from + count; i++, at += pixelStride) out[at] = table[data[i]!]!;
    });
  }
}

interface Crop {
  /** First pixel taken. */
  readonly from: number;
  /** Where it lands. */
  readonly to: number;
  readonly length: number;
}

/** Along one axis, with the rounding of torchvision's center_crop: halves to even, padding rounded down. */
export function cropAlong(size: number, wanted: number): Crop {
  if (size < wanted) return { from: 0, to: Math.floor((wanted - size) / 2), length: size };
  const margin = size - wanted;
  const half = margin % 4 === 3 ? (margin + 1) / 2 : Math.floor(margin / 2);
  return { from: half, to: 0, length: wanted };
}

function toGrey(image: RawImage): RawImage {
  const { width, height, data } = image;
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) grey[i] = lumaOf(data, from);
  return { kind: "raw", width, height, channels: 1, data: grey };
}

/**
 * Grey of colour: L = 0.299 R + 0.587 G + 0.114 B in Pillow's 16-bit fixed point, so that grey stays exactly grey.
 * Of the pixel whose red is at `at`, green and blue after it.
 */
export function lumaOf(pixels: Uint8Array, at: number): number {
  return (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >>> 16;
}
