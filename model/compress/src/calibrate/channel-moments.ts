/**
 * Mean and mean square of each channel of an activation [N, C, ...]: what an input contributes to its
 * layer's output (the diagonal of the Hessian), and how far a layer's mean has drifted.
 *
 * The mean is of all elements. The square is of the elements that are sampled, about their own mean, so that
 * the variance does not come from two sums of different elements.
 */
import { samplePlaces } from "./watched-graph.ts";

export class ChannelMoments {
  readonly channels: number;
  readonly #means: Float64Array;
  #rows = 0;
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  /** Of each sampled element, when there are so many rows. */
  #placed = new Int32Array(0);
  #placedRows = 0;

  constructor(channels: number) {
    this.channels = channels;
    this.#means = new Float64Array(channels);
    this.#counts = new Float64Array(channels);
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** @param values all of one image, [C, ...] row-major. */
  add(values: Float32Array): void {
    const perChannel = values.length / this.channels;
    let at = 0;
    for (let c = 0; c < this.channels; c++) {
      let sum = 0;
      let squares = 0;
      for (const end = at + perChannel; at < end; at++) {
        const x = values[at]!;
        sum += x;
        squares += x * x;
      }
      this.#means[c]! += sum / perChannel;
      this.#counts[c]! += perChannel;
      this.#sums[c]! += sum;
      this.#squares[c]! += squares;
    }
    this.#rows++;
  }

  /** @param sample the elements at `samplePlaces` of an activation. @param means of all its elements, [rows, C]. */
  addSampled(sample: Float32Array, means: Float32Array): void {
    const { channels } = this;
    for (let i = 0; i < means.length; i++) this.#means[i % channels]! += means[i]!;
    const rows = means.length / channels;
    this.#rows += rows;
    if (rows !== this.#placedRows) this.#place(rows);
    for (let i = 0; i < sample.length; i++) {
      const x = sample[i]!;
      const c = this.#placed[i]!;
      this.#counts[c]!++;
      this.#sums[c]! += x;
      this.#squares[c]! += x * x;
    }
  }

  #place(rows: number): void {
    this.#placedRows = rows;
    this.#placed = Int32Array.from(
      samplePlaces,
      (place) => Math.floor(place * this.channels * rows) % this.channels,
    );
  }

  mean(): Float64Array {
    return this.#means.map((sum) => sum / this.#rows);
  }

  meanSquare(): Float64Array {
    const variance = this.variance();
    return this.mean().map((mean, c) => mean ** 2 + variance[c]!);
  }

  variance(): Float64Array {
    return this.#squares.map((squares, c) => {
      const count = this.#counts[c]!;
      return count === 0 ? 0 : Math.max(0, squares / count - (this.#sums[c]! / count) ** 2);
    });
  }
}
