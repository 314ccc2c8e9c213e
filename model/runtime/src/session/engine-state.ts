/**
 * The state of one engine session, in the engine's thread. With `engine-session.ts`, the only file that
 * calls ONNX Runtime's binding.
 *
 * Each binding owns two buffers for the session's life. A run reads one and has the engine write the other,
 * which it is given as a pre-allocated output; only when the run has succeeded do the two change places. So
 * a failed run, however much it wrote, leaves the state of the last good one.
 *
 * Where the binding returns a copy of what was written all the same (see `sentinel.ts`), `advance` frees it at
 * once, instead of leaving megabytes a run to the garbage collector.
 */
import { own, setOwn } from "@cupel/base";
import type { Tensor } from "onnxruntime-node";
import { loadEngine } from "./engine-package.ts";
import type { Feeds, Targets } from "./feeds.ts";
import { checkBindings, type StateBinding } from "./state-binding.ts";
import {
  bytesOf,
  copyOf,
  type EngineElementType,
  engineElementType,
  type TensorData,
  type TypedArray,
  type ValueInfo,
} from "./tensor-data.ts";

const engine = loadEngine();

interface Slot {
  readonly type: EngineElementType;
  readonly dims: readonly number[];
  readonly output: string | null;
  current: EngineBuffer;
  /** What the next run writes; the same as `current` where the state is constant. */
  next: EngineBuffer;
}

interface EngineBuffer {
  readonly data: TypedArray;
  readonly tensor: Tensor;
}

export class EngineState {
  readonly #slots = new Map<string, Slot>();

  /**
   * Adopts the buffers of the initial values.
   * @throws STATE_INVALID, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH
   */
  constructor(
    bindings: readonly StateBinding[],
    model: { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] },
  ) {
    checkBindings(bindings, model);
    const adopted = new Set<ArrayBufferLike>();
    for (const { input, output, initial } of bindings) {
      const type = engineElementType(initial.type);
      const { dims } = initial;
      const buffer = (data: TypedArray) => ({ data, tensor: new engine.Tensor(type, data, [...dims]) });
      // Two values that came in one buffer must not be written through each other.
      const current = buffer(adopted.has(initial.data.buffer) ? copyOf(initial.data) : initial.data);
      adopted.add(current.data.buffer);
      const next = output === null ? current : buffer(copyOf(current.data));
      this.#slots.set(input, { type, dims, output, current, next });
    }
  }

  /** Adds what the run reads to its feeds. @returns where it writes, by output */
  bind(feeds: Record<string, Tensor>): Record<string, Tensor> {
    const written: Record<string, Tensor> = {};
    for (const [input, { output, current, next }] of this.#slots) {
      setOwn(feeds, input, current.tensor);
      if (output !== null) setOwn(written, output, next.tensor);
    }
    return written;
  }

  /** Frees the copies among the results of a run, and makes what it wrote the state if it `renews` it. */
  advance(results: Readonly<Record<string, Tensor>>, renews: boolean): void {
    for (const slot of this.#slots.values()) {
      if (slot.output === null) continue;
      const copy = own(results, slot.output)?.data;
      if (ArrayBuffer.isView(copy) && copy.buffer !== slot.next.data.buffer) release(copy.buffer);
      if (renews) [slot.current, slot.next] = [slot.next, slot.current];
    }
  }

  /** Copies. @param names MUST be state; null for all. */
  read(names: readonly string[] | null): Record<string, TensorData> {
    const values: Record<string, TensorData> = {};
    for (const [name, { type, dims, current }] of this.#slots) {
      if (names !== null && !names.includes(name)) continue;
      setOwn(values, name, { type, dims: [...dims], data: copyOf(current.data) });
    }
    return values;
  }

  /** @param targets MUST be of the state's names, types and lengths. */
  readInto(targets: Targets): void {
    for (const [name, target] of Object.entries(targets)) bytesOf(target).set(bytesOf(this.#data(name)));
  }

  /** @param values MUST be of the state's names, types and shapes. */
  write(values: Feeds): void {
    for (const [name, { data }] of Object.entries(values)) bytesOf(this.#data(name)).set(bytesOf(data));
  }

  #data(name: string): TypedArray {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`"${name}" is no state; the caller's side should have said so.`);
    return slot.current.data;
  }
}

function release(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
