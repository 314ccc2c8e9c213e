/**
 * Mean and mean square of each channel of an activation [N, C, ...]: what an input contributes to its
 * layer's output (the diagonal of the Hessian), and how far a layer's mean has drifted.
 */
export class ChannelMoments {
  readonly channels: number;
  /** Elements seen in each channel. */
  count = 0;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;

  constructor(channels: number) {
    this.channels = channels;
    this.#sum = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** @param values [N, C, ...] row-major. */
  add(values: Float32Array, images: number): void {
    const perChannel = values.length / images / this.channels;
    let at = 0;
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < this.channels; c++) {
        let sum = 0;
        let squares = 0;
        for (const end = at + perChannel; at < end; at++) {
          const x = values[at]!;
          sum += x;
          squares += x * x;
        }
        this.#sum[c]! += sum;
        this.#squares[c]! += squares;
      }
    }
    this.count += images * perChannel;
  }

  mean(): Float64Array {
    return this.#sum.map((sum) => sum / this.count);
  }

  meanSquare(): Float64Array {
    return this.#squares.map((squares) => squares / this.count);
  }

  variance(): Float64Array {
    const mean = this.mean();
    return this.meanSquare().map((square, c) => Math.max(0, square - mean[c]! ** 2));
  }
}
