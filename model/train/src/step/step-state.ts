/**
 * The state of a network in training: which of its constants became inputs of the step, and with which
 * layout.
 */
import { elementCount } from "@cupel/base";
import type { Emitter, Model, Value } from "@cupel/onnx";
import type { WeightStorage } from "../rows/convolution.ts";
import type { ParameterSource } from "../rows/to-rows.ts";
import type { FoldedNetwork, ParameterOptions } from "./folded-network.ts";
import { leadingToOutput } from "./parameters.ts";
import { movingStatistics } from "./running-statistics.ts";
import type { StateTable, StateVariable } from "./state-table.ts";
import { toStepLayout, type WeightLayout } from "./weight-layout.ts";

export interface StepStateOptions extends Pick<ParameterOptions, "trainable"> {
  readonly statistics?: "batch" | "frozen" | undefined;
}

/** Names of the network's float constants but running statistics. */
export interface ParameterCounts {
  readonly trained: readonly string[];
  /** Parameters that were not chosen. */
  readonly frozen: readonly string[];
  /** What is no parameter, or leads to no loss. */
  readonly constant: readonly string[];
}

export class StepState implements ParameterSource {
  readonly table: StateTable;
  readonly layouts = new Map<string, WeightLayout>();
  readonly counts: ParameterCounts;
  readonly #emit: Emitter;
  readonly #trained: ReadonlySet<Value>;
  readonly #statistics: ReadonlySet<Value>;
  readonly #values = new Map<Value, Value>();

  /** @param network from `fixBatch`. @param folded what it was made from */
  constructor(
    network: Model,
    folded: FoldedNetwork,
    emit: Emitter,
    table: StateTable,
    { trainable = () => true, statistics = "batch" }: StepStateOptions,
  ) {
    this.#emit = emit;
    this.table = table;
    const leading = [...leadingToOutput(network, folded.parameters)];
    const [trained, frozen] = [true, false].map((is) => leading.filter(({ name }) => trainable(name) === is));
    this.#trained = new Set(trained);
    this.#statistics =
      statistics === "batch" ? movingStatistics(network, { trainable, frozen: new Set(frozen) }) : new Set();
    const leads = new Set(leading.map(({ name }) => name));
    const aside = [...folded.parameters].filter((name) => !leads.has(name));
    this.counts = {
      trained: trained!.map(({ name }) => name),
      frozen: frozen!.map(({ name }) => name),
      constant: [...folded.constants, ...aside],
    };
  }

  isTrained(constant: Value): boolean {
    return this.#trained.has(constant);
  }

  parameter(constant: Value, weight?: WeightStorage): Value {
    const held = this.#values.get(constant);
    if (held) return held;
    const value = this.#trained.has(constant)
      ? this.#declare(constant, weight)
      : this.#keep(constant, weight);
    this.#values.set(constant, value);
    return value;
  }

  statistic(constant: Value): StateVariable | null {
    if (!this.#statistics.has(constant)) return null;
    const layout = layoutOf(constant);
    this.layouts.set(constant.name, layout);
    const initial = constant.constant!.toFloat32().slice();
    return this.table.declare({ name: constant.name, role: "statistic", dims: layout.dims, initial });
  }

  #declare(constant: Value, weight?: WeightStorage): Value {
    const layout = layoutOf(constant, weight);
    this.layouts.set(constant.name, layout);
    return this.table.declareParameter({
      name: constant.name,
      dims: layout.dims,
      initial: toStepLayout(constant.constant!.toFloat32(), layout),
      // Decay pulls weights to zero; offsets and the scales of normalisation have no reason to go there.
      decays: constant.constant!.dims.length > 1,
    }).current;
  }

  #keep(constant: Value, weight?: WeightStorage): Value {
    const tensor = constant.constant!;
    if (!weight) return this.#emit.constant(tensor);
    const layout = layoutOf(constant, weight);
    return this.#emit.floats(layout.dims, toStepLayout(tensor.toFloat32(), layout));
  }
}

function layoutOf(constant: Value, weight?: WeightStorage): WeightLayout {
  const { dims } = constant.constant!;
  if (!weight) return { axes: null, permutation: [0, 1, 2], dims };
  const [filters, channels, ...kernel] = dims;
  return {
    axes: [filters!, channels!, elementCount(kernel)],
    permutation: weight.permutation,
    dims: weight.dims,
  };
}
