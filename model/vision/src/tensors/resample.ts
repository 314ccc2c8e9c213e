/**
 * Pillow's resampling, bit for bit: two passes of 22-bit fixed-point weights over 8-bit pixels, the filter
 * widened when it shrinks (src/libImaging/Resample.c).
 *
 * Used for raw images, and for encoded ones where libvips differs in kind: enlarging, which it does half
 * a pixel off, `nearest`, and `linear`, which is OpenCV's bilinear: the four nearest pixels, also when it shrinks. Shrinking a photograph stays with libvips, on its own threads. The cost here grows with the size of the result.
 */
import type { RawImage } from "../image.ts";
import type { Interpolation } from "../preprocessing/preprocessing.ts";

interface Size {
  readonly width: number;
  readonly height: number;
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

export function resample(image: RawImage, to: Size, interpolation: Interpolation): RawImage {
  if (interpolation === "nearest") return nearest(image, to);
  const filter = FILTERS[interpolation];
  return alongColumns(alongRows(image, to.width, filter), to.height, filter);
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

function tapsOf(source: number, target: number, filter: Filter): Taps {
  const scale = source / target;
  const spread = filter.smooths ? Math.max(scale, 1) : 1;
  const support = filter.support * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const from = new Int32Array(target);
  const count = new Int32Array(target);
  const weights = new Int32Array(target * stride);
  for (let i = 0; i < target; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(source, Math.trunc(centre + support + 0.5));
    const values = Array.from({ length: last - first }, (_, k) =>
      filter.weight((k + first - centre + 0.5) / spread),
    );
    const sum = values.reduce((total, value) => total + value, 0);
    from[i] = first;
    count[i] = last - first;
    values.forEach((value, k) => {
      const fixed = (value / sum) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return { from, count, weights, stride };
}

// Sums stay within 32 bits: weights of a pixel add up to 2^22, and overshoot is a fraction of that.
// Math.imul and |0 keep them out of floating point; a clamped array cuts what overshoots.

function alongRows(image: RawImage, width: number, filter: Filter): RawImage {
  if (image.width === width) return image;
  const { height, channels, data, width: sourceWidth } = image;
  const taps = tapsOf(sourceWidth, width, filter);
  const out = new Uint8ClampedArray(width * height * channels);
  const row = channels === 3 ? colourRow : greyRow;
  for (let y = 0; y < height; y++) row(data, y * sourceWidth * channels, taps, out, y * width * channels);
  return { ...image, width, data: new Uint8Array(out.buffer) };
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

function alongColumns(image: RawImage, height: number, filter: Filter): RawImage {
  if (image.height === height) return image;
  const { width, channels, data, height: sourceHeight } = image;
  const { from, count, weights, stride } = tapsOf(sourceHeight, height, filter);
  const row = width * channels;
  const out = new Uint8ClampedArray(row * height);
  const sums = new Int32Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const start = (from[y]! + k) * row;
      for (let i = 0; i < row; i++) sums[i] = (sums[i]! + Math.imul(data[start + i]!, weight)) | 0;
    }
    const start = y * row;
    for (let i = 0; i < row; i++) out[start + i] = sums[i]! >> PRECISION_BITS;
  }
  return { ...image, height, data: new Uint8Array(out.buffer) };
}

function nearest(image: RawImage, { width, height }: Size): RawImage {
  const { channels, data } = image;
  const columns = nearestOf(image.width, width);
  const rows = nearestOf(image.height, height);
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (rows[y]! * image.width + columns[x]!) * channels;
      for (let c = 0; c < channels; c++, o++) out[o] = data[start + c]!;
    }
  }
  return { kind: "raw", width, height, channels, data: out };
}

/** The source pixel of each target pixel. Summed up as Pillow does, whose rounding decides ties. */
function nearestOf(source: number, target: number): Int32Array {
  const scale = source / target;
  let position = scale * 0.5;
  return Int32Array.from({ length: target }, () => {
    const pixel = Math.min(source - 1, Math.trunc(position));
    position += scale;
    return pixel;
  });
}
