/**
 * Pillow's resampling, bit for bit: two passes of 22-bit fixed-point weights over 8-bit pixels, the filter
 * widened when it shrinks (src/libImaging/Resample.c).
 *
 * Used for raw images, and for encoded ones where libvips differs in kind: enlarging, which it does half
 * a pixel off, `nearest`, and `linear`, which is OpenCV's bilinear: the four nearest pixels, also when it shrinks. Shrinking a photograph stays with libvips, on its own threads. The cost here grows with the size of the window that is
 * wanted of the result, and never with that of the result.
 */
import type { RawImage } from "../image.ts";
import type { Interpolation } from "../preprocessing/preprocessing.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Which pixels of the resized image are made. */
export interface Window extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Resampling {
  /** Of the whole resized image. */
  readonly to: Size;
  readonly interpolation: Interpolation;
  /** The pixels outside of it are not computed; those inside are the same as without it. */
  readonly window: Window;
}

interface Filter {
  /** Zero from this distance on, in source pixels when enlarging. */
  readonly support: number;
  /** Whether it is widened when it shrinks. */
  readonly smooths: boolean;
  weight(distance: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const FILTERS: Readonly<Record<Exclude<Interpolation, "nearest">, Filter>> = {
  bilinear: { support: 1, smooths: true, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    smooths: true,
    // Keys' cubic convolution with a = -0.5.
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
  linear: { support: 1, smooths: false, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  lanczos: { support: 3, smooths: true, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** @param stopped is asked now and then; once it is true, what is returned is of no use. */
export function resample(
  image: RawImage,
  { to, interpolation, window }: Resampling,
  stopped: () => boolean = () => false,
): RawImage {
  if (interpolation === "nearest") return nearest(image, to, window, stopped);
  const filter = FILTERS[interpolation];
  const down = alongHeight(image, to, window, filter);
  const across = alongWidth(image, to, window, filter);
  const rows = alongRows(image, across, down.rows, stopped);
  return alongColumns(rows, down, stopped);
}

/** What it takes, told before: bytes beside the image, and products that are summed up. */
export function costOf(
  image: Pick<RawImage, "width" | "height" | "channels">,
  { to, interpolation, window }: Resampling,
) {
  const { channels } = image;
  const pixels = window.width * window.height;
  if (interpolation === "nearest") {
    const bytes = pixels * channels + 4 * (window.width + window.height);
    const walked = window.left + window.width + window.top + window.height;
    return { bytes, work: 3 * pixels * channels + walked };
  }
  const filter = FILTERS[interpolation];
  const [across, down] = [image.width / to.width, image.height / to.height].map((scale) =>
    scale === 1 ? 1 : strideOf(scale, filter),
  ) as [number, number];
  const rows = Math.min(image.height, Math.ceil((window.height * image.height) / to.height) + down);
  return {
    bytes: 4 * (window.width * across + window.height * down) + (rows * window.width + pixels) * channels,
    work: (rows * window.width * across + pixels * down) * channels,
  };
}

interface Taps {
  /** First source pixel of each target pixel. */
  readonly from: Int32Array;
  /** How many follow it. */
  readonly count: Int32Array;
  /** `stride` weights for each target pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

const spreadOf = (scale: number, filter: Filter): number => (filter.smooths ? Math.max(scale, 1) : 1);

const strideOf = (scale: number, filter: Filter): number =>
  Math.ceil(filter.support * spreadOf(scale, filter)) * 2 + 1;

/** Of `length` target pixels from `first` on. */
function tapsOf(source: number, target: number, filter: Filter, first: number, length: number): Taps {
  const scale = source / target;
  const spread = spreadOf(scale, filter);
  const support = filter.support * spread;
  const stride = strideOf(scale, filter);
  const from = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  for (let i = 0; i < length; i++) {
    const centre = (first + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const values = Array.from({ length: end - begin }, (_, k) =>
      filter.weight((k + begin - centre + 0.5) / spread),
    );
    const sum = values.reduce((total, value) => total + value, 0);
    from[i] = begin;
    count[i] = end - begin;
    values.forEach((value, k) => {
      const fixed = (value / sum) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return { from, count, weights, stride };
}

/** One axis: pixels that are taken as they are, or taps that make them. */
interface Along {
  readonly taps: Taps | null;
  /** First pixel of the window. */
  readonly first: number;
  readonly length: number;
}

function alongWidth({ width }: RawImage, to: Size, window: Window, filter: Filter): Along {
  const { left: first, width: length } = window;
  return { first, length, taps: width === to.width ? null : tapsOf(width, to.width, filter, first, length) };
}

interface AlongHeight extends Along {
  /** Source rows that the window is made of. */
  readonly rows: { readonly first: number; readonly count: number };
}

function alongHeight({ height }: RawImage, to: Size, window: Window, filter: Filter): AlongHeight {
  const { top: first, height: length } = window;
  if (height === to.height) return { first, length, taps: null, rows: { first, count: length } };
  const taps = tapsOf(height, to.height, filter, first, length);
  const begin = taps.from[0]!;
  const end = taps.from[length - 1]! + taps.count[length - 1]!;
  return { first, length, taps, rows: { first: begin, count: end - begin } };
}

// Sums stay within 32 bits: weights of a pixel add up to 2^22, and overshoot is a fraction of that.
// Math.imul and |0 keep them out of floating point; a clamped array cuts what overshoots.

/** The source rows that are wanted, as wide as the window. */
function alongRows(
  image: RawImage,
  { taps, first, length: width }: Along,
  rows: AlongHeight["rows"],
  stopped: () => boolean,
): RawImage & { readonly firstRow: number } {
  const { channels, data, width: sourceWidth } = image;
  const shape = { kind: "raw" as const, width, height: rows.count, channels, firstRow: rows.first };
  if (taps === null && width === sourceWidth) {
    const begin = rows.first * width * channels;
    return { ...shape, data: data.subarray(begin, begin + rows.count * width * channels) };
  }
  const out = new Uint8ClampedArray(width * rows.count * channels);
  const row = channels === 3 ? colourRow : greyRow;
  for (let y = 0; y < rows.count && !stopped(); y++) {
    const source = (rows.first + y) * sourceWidth * channels;
    if (taps !== null) {
      row(data, source, taps, out, y * width * channels);
    } else {
      const begin = source + first * channels;
      out.set(data.subarray(begin, begin + width * channels), y * width * channels);
    }
  }
  return { ...shape, data: new Uint8Array(out.buffer) };
}

function greyRow(data: Uint8Array, row: number, taps: Taps, out: Uint8ClampedArray, at: number): void {
  const { from, count, weights, stride } = taps;
  for (let x = 0; x < from.length; x++) {
    let pixel = row + from[x]!;
    let sum = HALF;
    for (let k = x * stride, last = k + count[x]!; k < last; k++, pixel++) {
      sum = (sum + Math.imul(data[pixel]!, weights[k]!)) | 0;
    }
    out[at + x] = sum >> PRECISION_BITS;
  }
}

/** Three sums side by side: a weight is read once for all of them. */
function colourRow(data: Uint8Array, row: number, taps: Taps, out: Uint8ClampedArray, at: number): void {
  const { from, count, weights, stride } = taps;
  for (let x = 0, o = at; x < from.length; x++, o += 3) {
    let pixel = row + from[x]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = x * stride, last = k + count[x]!; k < last; k++, pixel += 3) {
      const weight = weights[k]!;
      red = (red + Math.imul(data[pixel]!, weight)) | 0;
      green = (green + Math.imul(data[pixel + 1]!, weight)) | 0;
      blue = (blue + Math.imul(data[pixel + 2]!, weight)) | 0;
    }
    out[o] = red >> PRECISION_BITS;
    out[o + 1] = green >> PRECISION_BITS;
    out[o + 2] = blue >> PRECISION_BITS;
  }
}

function alongColumns(
  { firstRow, ...image }: RawImage & { readonly firstRow: number },
  { taps, length: height }: AlongHeight,
  stopped: () => boolean,
): RawImage {
  if (taps === null) return image;
  const { width, channels, data } = image;
  const { from, count, weights, stride } = taps;
  const row = width * channels;
  const out = new Uint8ClampedArray(row * height);
  const sums = new Int32Array(row);
  for (let y = 0; y < height && !stopped(); y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const start = (from[y]! - firstRow + k) * row;
      for (let i = 0; i < row; i++) sums[i] = (sums[i]! + Math.imul(data[start + i]!, weight)) | 0;
    }
    const start = y * row;
    for (let i = 0; i < row; i++) out[start + i] = sums[i]! >> PRECISION_BITS;
  }
  return { ...image, height, data: new Uint8Array(out.buffer) };
}

function nearest(image: RawImage, to: Size, window: Window, stopped: () => boolean): RawImage {
  const { channels, data } = image;
  const { width, height } = window;
  const columns = nearestOf(image.width, to.width, window.left, width, stopped);
  const rows = nearestOf(image.height, to.height, window.top, height, stopped);
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, o = 0; y < height && !stopped(); y++) {
    for (let x = 0; x < width; x++) {
      const start = (rows[y]! * image.width + columns[x]!) * channels;
      for (let c = 0; c < channels; c++, o++) out[o] = data[start + c]!;
    }
  }
  return { kind: "raw", width, height, channels, data: out };
}

/** Between two looks at whether the work is still wanted. */
const STEPS = 2 ** 20;

/** The source pixel of each target pixel of a window. Summed up from the first as Pillow does, whose rounding decides ties. */
function nearestOf(
  source: number,
  target: number,
  first: number,
  length: number,
  stopped: () => boolean,
): Int32Array {
  const scale = source / target;
  let position = scale * 0.5;
  for (let i = 0; i < first; ) {
    if (stopped()) break;
    for (const end = Math.min(first, i + STEPS); i < end; i++) position += scale;
  }
  return Int32Array.from({ length }, () => {
    const pixel = Math.min(source - 1, Math.trunc(position));
    position += scale;
    return pixel;
  });
}
