/**
 * A layer during equalisation. Its weights stay as they are; what its channels are scaled by stands beside them, and
 * the range of a channel follows from the largest weight between an input and an output channel. So a sweep reads a
 * number a kernel at most, and the weights are written once.
 */
import type { Graph } from "@cupel/onnx";
import { biasOf, type Layer, setBias, setWeightRows, weightRows } from "../layer.ts";

export class ScaledLayer {
  readonly layer: Layer;
  /** By output channel, what its weights and its bias are divided by. */
  readonly divisors: Float64Array;
  /** By input channel, what its weights are multiplied by. */
  readonly multipliers: Float64Array;
  /** Magnitudes, [rows, input channels of a group]. */
  #largest: Float32Array | null = null;
  /** By output channel, as multiplied; null when a multiplier has changed. */
  #made: Float64Array | null = null;
  /** By input channel, as divided; null when a divisor has changed. */
  #read: Float64Array | null = null;

  constructor(layer: Layer) {
    this.layer = layer;
    this.divisors = new Float64Array(layer.rows).fill(1);
    this.multipliers = new Float64Array(layer.groups * this.#channels).fill(1);
  }

  /** The largest magnitude of the weights that make each output channel. */
  rangesMade(): Float64Array {
    if (this.#made === null) {
      const made = new Float64Array(this.layer.rows);
      this.#forEachRow((row, channel, largest) => {
        let most = 0;
        for (let k = 0; k < largest.length; k++) {
          const range = largest[k]! * this.multipliers[channel + k]!;
          if (range > most) most = range;
        }
        made[row] = most;
      });
      this.#made = made;
    }
    return this.#made.map((range, row) => range / this.divisors[row]!);
  }

  /** The largest magnitude of the weights that read each input channel. */
  rangesRead(): Float64Array {
    if (this.#read === null) {
      const read = new Float64Array(this.multipliers.length);
      this.#forEachRow((row, channel, largest) => {
        const perDivisor = 1 / this.divisors[row]!;
        for (let k = 0; k < largest.length; k++) {
          const range = largest[k]! * perDivisor;
          if (range > read[channel + k]!) read[channel + k] = range;
        }
      });
      this.#read = read;
    }
    return this.#read.map((range, channel) => range * this.multipliers[channel]!);
  }

  divide(factors: Float64Array): void {
    for (let row = 0; row < factors.length; row++) this.divisors[row]! *= factors[row]!;
    this.#read = null;
  }

  /** @param from the first input channel that they are for */
  multiply(factors: Float64Array, from: number): void {
    for (const [channel, factor] of factors.entries()) this.multipliers[from + channel]! *= factor;
    this.#made = null;
  }

  /** Writes the scaled weights and bias. */
  apply(graph: Graph): void {
    const { rows, columns, kernelSize, bias } = this.layer;
    const weights = weightRows(this.layer);
    for (let row = 0, at = 0; row < rows; row++) {
      const first = this.#firstChannel(row);
      for (let k = 0; k < columns / kernelSize; k++) {
        const factor = this.multipliers[first + k]! / this.divisors[row]!;
        for (const end = at + kernelSize; at < end; at++) weights[at]! *= factor;
      }
    }
    setWeightRows(graph, this.layer, weights);
    if (bias)
      setBias(
        graph,
        this.layer,
        biasOf(this.layer).map((b, row) => b / this.divisors[row]!),
      );
  }

  /** Input channels of a group. */
  get #channels(): number {
    return this.layer.columns / this.layer.kernelSize;
  }

  #firstChannel(row: number): number {
    const { rows, groups } = this.layer;
    return Math.floor(row / (rows / groups)) * this.#channels;
  }

  /** @param visit takes a row, the first input channel it reads, and the largest magnitude for each from there on */
  #forEachRow(visit: (row: number, channel: number, largest: Float32Array) => void): void {
    this.#largest ??= largestOfKernels(this.layer);
    const channels = this.#channels;
    for (let row = 0; row < this.layer.rows; row++) {
      const largest = this.#largest.subarray(row * channels, (row + 1) * channels);
      visit(row, this.#firstChannel(row), largest);
    }
  }
}

function largestOfKernels(layer: Layer): Float32Array {
  const { kernelSize } = layer;
  const weights = weightRows(layer);
  if (kernelSize === 1) return weights.map(Math.abs);
  const largest = new Float32Array(weights.length / kernelSize);
  for (let i = 0, at = 0; i < largest.length; i++) {
    let most = 0;
    for (const end = at + kernelSize; at < end; at++) {
      const magnitude = Math.abs(weights[at]!);
      if (magnitude > most) most = magnitude;
    }
    largest[i] = most;
  }
  return largest;
}
