/**
 * The state of a step while its graph is being written: which constants of the network became inputs, in
 * which order their elements lie, what replaces them, and the moments the optimiser keeps beside them.
 */
import type { Model, Value } from "@cupel/onnx";
import { type Emitter, product } from "./emitter.ts";
import type { Update } from "./optimiser.ts";
import { runningStatistics, trainableConstants } from "./parameters.ts";
import type { WeightStorage } from "./rows/convolution.ts";
import type { ParameterSource } from "./rows/to-rows.ts";
import { inStorage, type Storage } from "./storage.ts";
import type { StateRole, StateTensor } from "./training-step.ts";

export interface Parameter extends Pick<Update, "decays" | "moment"> {
  readonly value: Value;
  advance(next: Value): void;
}

export interface StepStateOptions {
  readonly trainable?: ((name: string) => boolean) | undefined;
  readonly statistics?: "batch" | "frozen" | undefined;
}

export class StepState implements ParameterSource {
  readonly parameters: Parameter[] = [];
  readonly storages = new Map<string, Storage>();
  readonly #emit: Emitter;
  readonly #trained: ReadonlySet<Value>;
  readonly #statistics: ReadonlySet<Value>;
  readonly #values = new Map<Value, Value>();
  readonly #entries = new Map<string, { readonly tensor: StateTensor; next: Value | null }>();

  constructor(
    network: Model,
    emit: Emitter,
    { trainable = () => true, statistics = "batch" }: StepStateOptions,
  ) {
    this.#emit = emit;
    this.#trained = new Set(trainableConstants(network).filter((value) => trainable(value.name)));
    this.#statistics = statistics === "batch" ? runningStatistics(network) : new Set();
  }

  isTrained(constant: Value): boolean {
    return this.#trained.has(constant);
  }

  parameter(constant: Value, weight?: WeightStorage): Value {
    const held = this.#values.get(constant);
    if (held) return held;
    const value = this.#trained.has(constant)
      ? this.#declareParameter(constant, weight)
      : this.#keep(constant, weight);
    this.#values.set(constant, value);
    return value;
  }

  statistic(constant: Value): { readonly current: Value; advance(next: Value): void } | null {
    if (!this.#statistics.has(constant)) return null;
    const tensor = constant.constant!;
    const storage = storageOf(constant);
    this.storages.set(constant.name, storage);
    return this.#declare(constant.name, "statistic", storage.dims, tensor.toFloat32().slice());
  }

  get tensors(): StateTensor[] {
    return [...this.#entries.values()].map(({ tensor }) => tensor);
  }

  /** The outputs that replace the state, in the order of `tensors`. Each was made for it alone, and takes its name. */
  outputs(): Value[] {
    return [...this.#entries.values()].map(({ tensor, next }) => {
      this.#emit.model.graph.rename(next!, tensor.next);
      return next!;
    });
  }

  #declareParameter(constant: Value, weight?: WeightStorage): Value {
    const storage = storageOf(constant, weight);
    this.storages.set(constant.name, storage);
    const initial = inStorage(constant.constant!.toFloat32(), storage);
    const { current, advance } = this.#declare(constant.name, "parameter", storage.dims, initial);
    this.parameters.push({
      value: current,
      advance,
      // Decay pulls weights to zero; offsets and the scales of normalisation have no reason to go there.
      decays: constant.constant!.dims.length > 1,
      moment: (name) =>
        this.#declare(`${constant.name}.${name}`, "moment", storage.dims, new Float32Array(initial.length)),
    });
    return current;
  }

  #keep(constant: Value, weight?: WeightStorage): Value {
    const tensor = constant.constant!;
    if (!weight) return this.#emit.constant(tensor);
    const storage = storageOf(constant, weight);
    return this.#emit.floats(storage.dims, inStorage(tensor.toFloat32(), storage));
  }

  #declare(name: string, role: StateRole, dims: readonly number[], initial: Float32Array) {
    const current = this.#emit.input(name, "float32", dims);
    const entry = { tensor: { name, next: `${name}.next`, role, dims, initial }, next: null as Value | null };
    this.#entries.set(name, entry);
    return {
      current,
      advance: (next: Value) => {
        entry.next = next;
      },
    };
  }
}

function storageOf(constant: Value, weight?: WeightStorage): Storage {
  const { dims } = constant.constant!;
  if (!weight) return { axes: null, permutation: [0, 1, 2], dims };
  const [filters, channels, ...kernel] = dims;
  return { axes: [filters!, channels!, product(kernel)], permutation: weight.permutation, dims: weight.dims };
}
