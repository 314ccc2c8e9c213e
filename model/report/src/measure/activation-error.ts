/**
 * How far a compressed activation `b` is from the original `a`, accumulated over batches in memory that
 * does not grow with the number of images.
 *
 *   relative error  r = |a - b| / (|a| + eps),   eps = 1e-2 RMS(a)
 *   SQNR            10 log10 (sum a^2 / sum (a - b)^2)
 *   cosine          sum ab / sqrt(sum a^2 sum b^2)
 *   channel error   RMS of (a - b) over a channel / RMS of a over the layer
 *
 * eps has to be known before the first r is: the RMS in it is that of the first batch. With images in
 * stratified order the first batch speaks for the rest, and one pass is enough.
 */
import type { LayerReport } from "../report-schema.ts";
import { ValueHistogram } from "./value-histogram.ts";

const epsilonShare = 1e-2;
/** For an activation that is zero throughout the first batch. */
const leastEpsilon = 1e-12;

export type ActivationFigures = Pick<
  LayerReport,
  "shape" | "relativeError" | "sqnrDb" | "cosine" | "range" | "histogram" | "channelError"
>;

export class ActivationError {
  #shape: readonly number[] = [];
  #epsilon: number | null = null;
  #count = 0;
  #signal = 0;
  #noise = 0;
  #compressedSignal = 0;
  #product = 0;
  #relative = 0;
  #relativeSquared = 0;
  #relativePeak = 0;
  readonly #original: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  readonly #compressed: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  readonly #histogram = new ValueHistogram();
  #channelNoise = new Float64Array(0);

  /** RMS of the original activation so far. */
  get rms(): number {
    return this.#count > 0 ? Math.sqrt(this.#signal / this.#count) : 0;
  }

  /** @param dims of both, batch first. */
  add(original: Float32Array, compressed: Float32Array, dims: readonly number[]): void {
    const { axis, channels } = channelsOf(dims);
    const inner = productOf(dims.slice(axis + 1));
    const outer = inner * channels > 0 ? original.length / (inner * channels) : 0;
    this.#epsilon ??= Math.max(leastEpsilon, epsilonShare * rmsOf(original));
    this.#shape = dims.slice(1);
    if (this.#channelNoise.length !== channels) this.#channelNoise = new Float64Array(channels);
    this.#count += original.length;
    this.#histogram.add(original, compressed);
    for (let o = 0, at = 0; o < outer; o++) {
      for (let c = 0; c < channels; c++, at += inner) {
        this.#channelNoise[c]! += this.#addRun(original, compressed, at, at + inner, this.#epsilon);
      }
    }
  }

  /** The inner loop, over elements that lie together. @returns their sum of (a - b)^2. */
  #addRun(original: Float32Array, compressed: Float32Array, from: number, to: number, epsilon: number) {
    let signal = 0;
    let noise = 0;
    let compressedSignal = 0;
    let product = 0;
    let relative = 0;
    let relativeSquared = 0;
    let peak = this.#relativePeak;
    let [lowA, highA] = this.#original;
    let [lowB, highB] = this.#compressed;
    for (let i = from; i < to; i++) {
      const a = original[i]!;
      const b = compressed[i]!;
      const gap = Math.abs(a - b);
      const r = gap / (Math.abs(a) + epsilon);
      signal += a * a;
      noise += gap * gap;
      compressedSignal += b * b;
      product += a * b;
      relative += r;
      relativeSquared += r * r;
      if (r > peak) peak = r;
      if (a < lowA) lowA = a;
      if (a > highA) highA = a;
      if (b < lowB) lowB = b;
      if (b > highB) highB = b;
    }
    this.#signal += signal;
    this.#noise += noise;
    this.#compressedSignal += compressedSignal;
    this.#product += product;
    this.#relative += relative;
    this.#relativeSquared += relativeSquared;
    this.#relativePeak = peak;
    this.#original[0] = lowA;
    this.#original[1] = highA;
    this.#compressed[0] = lowB;
    this.#compressed[1] = highB;
    return noise;
  }

  figures(): ActivationFigures {
    const mean = this.#relative / this.#count;
    const perChannel = this.#count / this.#channelNoise.length;
    return {
      shape: this.#shape,
      relativeError: {
        mean,
        peak: this.#relativePeak,
        std: Math.sqrt(Math.max(0, this.#relativeSquared / this.#count - mean * mean)),
      },
      sqnrDb: this.#noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#signal / this.#noise),
      cosine: this.#cosine(),
      range: {
        original: [this.#original[0], this.#original[1]],
        compressed: [this.#compressed[0], this.#compressed[1]],
      },
      histogram: this.#histogram.counts(),
      channelError: Array.from(this.#channelNoise, (noise) =>
        noise === 0 ? 0 : Math.sqrt(noise / perChannel) / this.rms,
      ),
    };
  }

  /** Two activations that are zero throughout point the same way; one that is, and one that is not, do not. */
  #cosine(): number {
    const lengths = Math.sqrt(this.#signal) * Math.sqrt(this.#compressedSignal);
    if (lengths === 0) return this.#noise === 0 ? 1 : 0;
    return Math.max(-1, Math.min(1, this.#product / lengths));
  }
}

/** Images have channels first ([N, C, ...]), sequences last ([N, T, C]). */
function channelsOf(dims: readonly number[]): { axis: number; channels: number } {
  if (dims.length < 2) return { axis: 0, channels: dims[0] ?? 1 };
  const axis = dims.length === 3 ? 2 : 1;
  return { axis, channels: dims[axis]! };
}

function rmsOf(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return values.length > 0 ? Math.sqrt(sum / values.length) : 0;
}

function productOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
