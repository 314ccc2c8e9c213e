/**
 * A value of the network in the layout that suits its reader: channels first, as ONNX has it, or rows, one
 * pixel each, as convolutions want it. A value is moved from one to the other at most once.
 */
import { elementCount } from "@cupel/base";
import type { Dims, Emitter, Value } from "@cupel/onnx";

export class Feature {
  /** As in ONNX: `[N, C, ...]`. */
  readonly dims: Dims;
  readonly #emit: Emitter;
  #plain: Value | null;
  #rows: Value | null;

  private constructor(emit: Emitter, dims: Dims, plain: Value | null, rows: Value | null) {
    this.#emit = emit;
    this.dims = dims;
    this.#plain = plain;
    this.#rows = rows;
  }

  static plain(emit: Emitter, value: Value): Feature {
    return new Feature(emit, value.shape === null ? [] : emit.dims(value), value, null);
  }

  /** @param rows `[N * pixels, C]` */
  static rows(emit: Emitter, dims: Dims, rows: Value): Feature {
    return new Feature(emit, dims, null, rows);
  }

  get isRows(): boolean {
    return this.#rows !== null;
  }

  get plain(): Value {
    this.#plain ??= this.#channelsFirst(this.#rows!);
    return this.#plain;
  }

  get rows(): Value {
    this.#rows ??= this.#channelsLast(this.#plain!);
    return this.#rows;
  }

  #channelsFirst(rows: Value): Value {
    const [batch, channels, ...sizes] = this.dims;
    // One pixel an image: nothing moves.
    if (elementCount(sizes) === 1) return this.#emit.reshape(rows, this.dims);
    const last = this.#emit.reshape(rows, [batch!, ...sizes, channels!]);
    const axes = sizes.map((_, axis) => axis + 1);
    return this.#emit.transpose(last, [0, sizes.length + 1, ...axes]);
  }

  #channelsLast(plain: Value): Value {
    const [batch, channels, ...sizes] = this.dims;
    const axes = sizes.map((_, axis) => axis + 2);
    const last = elementCount(sizes) === 1 ? plain : this.#emit.transpose(plain, [0, ...axes, 1]);
    return this.#emit.reshape(last, [batch! * elementCount(sizes), channels!]);
  }
}
