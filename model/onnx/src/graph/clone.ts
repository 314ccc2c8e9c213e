/** An independent model over the same weights: edits to one never show in the other; tensors are shared. */
import type { Attribute } from "./attribute.ts";
import { Graph } from "./graph.ts";
import { Model } from "./model.ts";
import { Node } from "./node.ts";
import { Value } from "./value.ts";

export function cloneModel(model: Model): Model {
  return new Model({
    irVersion: model.irVersion,
    opsets: new Map(model.opsets),
    graph: cloneGraph(model.graph, null, new Map()),
    metadata: new Map(model.metadata),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    functions: [...model.functions],
    proto: model.proto,
  });
}

/** @param copies of the values of the graphs around, to which those of this graph are added */
function cloneGraph(graph: Graph, parent: Graph | null, copies: Map<Value, Value>): Graph {
  const copy = new Graph(graph.name, parent, graph.proto);
  const take = (value: Value): Value => {
    const made = new Value(value.name, value.type, value.proto);
    made.sparse = value.sparse;
    copies.set(value, made);
    return made;
  };
  const copyOf = (value: Value): Value => copies.get(value) ?? take(value);
  for (const value of graph.values()) copy.add(take(value));
  for (const value of graph.initializers) copy.setConstant(copyOf(value), value.constant!);
  copy.inputs.push(...graph.inputs.map(copyOf));
  for (const node of graph.nodes) {
    const made = new Node(
      {
        opType: node.opType,
        domain: node.domain,
        name: node.name,
        inputs: node.inputs.map((value) => value && copyOf(value)),
        outputs: node.outputs.map(copyOf),
      },
      node.proto,
    );
    for (const [name, held] of node.attributes) {
      made.attributes.set(name, cloneAttribute(held, copy, copies));
    }
    copy.nodes.append(made);
  }
  copy.outputs.push(...graph.outputs.map(copyOf));
  return copy;
}

function cloneAttribute(held: Attribute, graph: Graph, copies: Map<Value, Value>): Attribute {
  switch (held.kind) {
    case "graph":
      return { ...held, value: cloneGraph(held.value, graph, copies) };
    case "graphs":
      return { ...held, value: held.value.map((body) => cloneGraph(body, graph, copies)) };
    default:
      return held;
  }
}
