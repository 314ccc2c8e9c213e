/**
 * Several nodes that are differentiated as one, by a rule of their own: what JAX calls a custom VJP. For
 * functions whose gradient in closed form is cheaper than that of their parts.
 */
import type { Emitter, Node, Value } from "@cupel/onnx";

export interface Composite {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** One entry an input; `incoming` has one an output, null where the loss does not depend on it. */
  backward(incoming: readonly (Value | null)[], wants: (input: number) => boolean): readonly (Value | null)[];
}

const composites = new WeakMap<Node, Composite>();

/** Marks the nodes that `build` writes at the end of the graph as one function of `inputs`; returns its outputs. */
export function composite(
  emit: Emitter,
  inputs: readonly Value[],
  build: () => Pick<Composite, "outputs" | "backward">,
): readonly Value[] {
  const { nodes } = emit.model.graph;
  const [last] = nodes.reversed();
  const made = { inputs, ...build() };
  for (const node of nodes.reversed()) {
    if (node === last) break;
    composites.set(node, made);
  }
  return made.outputs;
}

/** The composite a node is part of. */
export function compositeOf(node: Node): Composite | undefined {
  return composites.get(node);
}
