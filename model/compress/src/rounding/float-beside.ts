/** Puts the float network into the graph of the compressed one, on the same image, so that the engine compares the two. */
import { type Emitter, type Graph, subgraphsOf, type Value } from "@cupel/onnx";

/** @returns by name of a value of `float`, what computes it in the emitter's graph; null where a node has bodies */
export function floatBeside(emit: Emitter, float: Graph): ReadonlyMap<string, Value> | null {
  const { graph } = emit.model;
  if ([...float.nodes].some((node) => [...subgraphsOf(node)].length > 0)) return null;
  const values = new Map<string, Value>();
  for (const input of float.inputs) {
    const own = graph.value(input.name);
    if (own && !input.constant) values.set(input.name, own);
  }
  const copyOf = (value: Value): Value => {
    const known = values.get(value.name);
    if (known) return known;
    const copy = graph.addConstant(`${value.name}.float`, value.constant!);
    values.set(value.name, copy);
    return copy;
  };
  for (const node of float.nodes) {
    const inputs = node.inputs.map((value) => value && copyOf(value));
    const outputs = emit.node(
      node.opType,
      inputs,
      Object.fromEntries(node.attributes),
      node.outputs.map(({ name }) => (name === "" ? "" : graph.uniqueName(`${name}.float`))),
      node.domain,
    );
    for (const [index, output] of node.outputs.entries()) {
      const copy = outputs[index]!;
      copy.type = output.type;
      if (output.name !== "") values.set(output.name, copy);
    }
  }
  return values;
}
