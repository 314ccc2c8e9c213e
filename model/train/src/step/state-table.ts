/**
 * What a step keeps from run to run, while its graph is being written: inputs that hold values, and the
 * outputs that replace them.
 */
import type { Dims, Emitter, Value } from "@cupel/onnx";

/** "scaling" is the loss scale of mixed precision and what is counted for it. */
export type StateRole = "parameter" | "statistic" | "moment" | "scaling";

export interface StateTensor {
  /** Name of the graph's input; for parameters and statistics the name of the constant in the network. */
  readonly name: string;
  /** Name of the graph's output that replaces it. */
  readonly next: string;
  readonly role: StateRole;
  /** As it lies in the step. */
  readonly dims: Dims;
  readonly initial: Float32Array;
}

/** A state tensor as formulas see it. */
export interface StateVariable {
  readonly current: Value;
  /** Says what replaces it: a value made for it alone. */
  advance(next: Value): void;
}

export interface ParameterSpec extends Pick<StateTensor, "name" | "dims" | "initial"> {
  /** Whether weight decay applies. */
  readonly decays: boolean;
}

export interface Parameter extends ParameterSpec, StateVariable {
  /** Declares a moment of the parameter's shape that starts at 0; to be advanced once. */
  moment(name: string): StateVariable;
}

export class StateTable {
  readonly parameters: Parameter[] = [];
  readonly #emit: Emitter;
  readonly #entries: { readonly tensor: StateTensor; readonly current: Value; next: Value | null }[] = [];

  constructor(emit: Emitter) {
    this.#emit = emit;
  }

  declare({ name, role, dims, initial }: Omit<StateTensor, "next">): StateVariable {
    const current = this.#emit.input(name, "float32", dims);
    const entry = {
      tensor: { name, next: `${name}.next`, role, dims, initial },
      current,
      next: null as Value | null,
    };
    this.#entries.push(entry);
    return {
      current,
      advance: (next) => {
        entry.next = next;
      },
    };
  }

  declareParameter(spec: ParameterSpec): Parameter {
    const { name, dims, initial, decays } = spec;
    const parameter = {
      ...this.declare({ name, role: "parameter", dims, initial }),
      ...{ name, dims, initial, decays },
      moment: (kind: string) =>
        this.declare({
          name: `${name}.${kind}`,
          role: "moment",
          dims,
          initial: new Float32Array(initial.length),
        }),
    };
    this.parameters.push(parameter);
    return parameter;
  }

  get tensors(): StateTensor[] {
    return this.#entries.map(({ tensor }) => tensor);
  }

  /**
   * The outputs that replace what was advanced, in the order of `tensors`.
   * @param when a truth value: where it is false everything but the loss scaling stays as it is
   */
  outputs(when: Value | null = null): Value[] {
    return this.#entries.flatMap(({ tensor, current, next }) => {
      if (!next) return [];
      const output = when && tensor.role !== "scaling" ? this.#emit.where(when, next, current) : next;
      this.#emit.model.graph.rename(output, tensor.next);
      return [output];
    });
  }
}
