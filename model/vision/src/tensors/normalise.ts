/**
 * Pixels become floats: centre crop, channel order and normalisation in one pass over the output.
 *
 * A channel has 256 possible inputs, so (x * scale - mean) / std is computed once per value in double
 * precision and looked up after that: exact, and the loop has no arithmetic but indices.
 */
import type { RawImage } from "../image.ts";
import { cropAlong, type Size, tensorSize } from "../preprocessing/placement.ts";
import { CHANNELS, type Preprocessing } from "../preprocessing/preprocessing.ts";

export interface Normaliser {
  /** Floats that one image takes: of the largest where the preprocessing has a `multiple`. */
  readonly valuesPerImage: number;
  /** Of the tensor for a resized image, in pixels. */
  tensorOf(image: Size): Size;
  /** Writes one image into `out` at `offset`, all of its values. */
  write(image: RawImage, out: Float32Array, offset: number): void;
  /** The same in steps of a fraction of a millisecond, for who has something else to do in between. */
  writeInSteps(image: RawImage, out: Float32Array, offset: number): Iterable<void>;
}

/** Some hundred microseconds of work. */
const pixelsOfStep = 50_000;

/** Prepares the tables once for many images. */
export function createNormaliser(preprocessing: Preprocessing): Normaliser {
  const { width, height, colour, pad, layout, scale, mean, std } = preprocessing;
  const channels = CHANNELS[colour];
  const tables = mean.map((channelMean, c) =>
    Float32Array.from({ length: 256 }, (_, x) => (x * scale - channelMean) / std[c]!),
  );
  const colours = tables.slice(0, 3);
  const fill = mean.slice(0, 3).map((channelMean, c) => ((pad?.value ?? 0) * scale - channelMean) / std[c]!);

  return {
    valuesPerImage: width * height * channels,
    tensorOf: (image) => tensorSize(preprocessing, image),
    writeInSteps,
    write(image, out, offset) {
      for (const _ of writeInSteps(image, out, offset));
    },
  };

  function* writeInSteps(image: RawImage, out: Float32Array, offset: number): Generator<void> {
    assertWhole(image);
    const tensor = tensorSize(preprocessing, image);
    const plane = tensor.width * tensor.height;
    const strides = layout === "NCHW" ? { pixel: 1, channel: plane } : { pixel: channels, channel: 1 };
    const across = cropAlong(image.width, tensor.width, pad?.side);
    const down = cropAlong(image.height, tensor.height, pad?.side);
    if (across.length < tensor.width || down.length < tensor.height) {
      for (const [c, value] of fill.entries()) {
        fillChannel(out, offset + c * strides.channel, plane, strides.pixel, value);
        yield;
      }
    }
    const alpha = tables[3];
    if (alpha) fillChannel(out, offset + 3 * strides.channel, plane, strides.pixel, alpha[255]!);
    const writeRow = image.channels === 1 ? spreadGrey : colour === "grey" ? writeLuma : writeColours;
    const rowsOfStep = Math.ceil(pixelsOfStep / across.length);
    for (let row = 0; row < down.length; row++) {
      const from = ((down.from + row) * image.width + across.from) * image.channels;
      const to = offset + ((down.to + row) * tensor.width + across.to) * strides.pixel;
      writeRow(image.data, from, across.length, out, to, strides);
      if (row % rowsOfStep === rowsOfStep - 1) yield;
    }
  }

  /** Three channels to three, each pixel read once. */
  function writeColours(
    data: Uint8Array,
    from: number,
    count: number,
    out: Float32Array,
    to: number,
    { pixel, channel }: Strides,
  ): void {
    const [first, second, third] = tables;
    const [left, right] = colour === "bgr" ? [2, 0] : [0, 2];
    for (let end = from + count * 3; from < end; from += 3, to += pixel) {
      out[to] = first![data[from + left]!]!;
      out[to + channel] = second![data[from + 1]!]!;
      out[to + 2 * channel] = third![data[from + right]!]!;
    }
  }

  /** Three channels to grey. */
  function writeLuma(
    data: Uint8Array,
    from: number,
    count: number,
    out: Float32Array,
    to: number,
    { pixel }: Strides,
  ): void {
    const [table] = tables;
    for (let end = from + count * 3; from < end; from += 3, to += pixel) {
      out[to] = table![lumaOf(data, from)]!;
    }
  }

  /** One channel to each colour of the tensor. */
  function spreadGrey(
    data: Uint8Array,
    from: number,
    count: number,
    out: Float32Array,
    to: number,
    { pixel, channel }: Strides,
  ): void {
    colours.forEach((table, c) => {
      let at = to + c * channel;
      for (let i = from; i < from + count; i++, at += pixel) out[at] = table[data[i]!]!;
    });
  }
}

/** Steps in the values of a tensor, to the next pixel of a row and to the next channel. */
interface Strides {
  readonly pixel: number;
  readonly channel: number;
}

/** What a source made by a program gives may be anything. @throws RangeError */
function assertWhole({ width, height, channels, data }: RawImage): void {
  if (width > 0 && height > 0 && data.length === width * height * channels) return;
  throw new RangeError(`${width} x ${height} pixels in ${channels} channels are not ${data.length} bytes`);
}

function fillChannel(out: Float32Array, from: number, count: number, stride: number, value: number): void {
  if (stride === 1) out.fill(value, from, from + count);
  else for (let i = 0; i < count; i++) out[from + i * stride] = value;
}

/**
 * Grey of colour: L = 0.299 R + 0.587 G + 0.114 B in Pillow's 16-bit fixed point, so that grey stays exactly grey.
 * Of the pixel whose red is at `at`, green and blue after it.
 */
export function lumaOf(pixels: Uint8Array, at: number): number {
  return (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >>> 16;
}
