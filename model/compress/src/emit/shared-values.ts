/** Constants, and values computed from constants, that several layers share: made on first use, by name. */
import type { Graph, Tensor, Value } from "@cupel/onnx";

export interface SharedValues {
  constant(name: string, make: () => Tensor): Value;
  /** `make` inserts nodes; layers are emitted in execution order, so whoever comes later may read them. */
  computed(name: string, make: () => Value): Value;
}

export function sharedValues(graph: Graph): SharedValues {
  const held = new Map<string, Value>();
  const computed = (name: string, make: () => Value): Value => {
    const found = held.get(name) ?? make();
    held.set(name, found);
    return found;
  };
  return { computed, constant: (name, make) => computed(name, () => graph.addConstant(name, make())) };
}
