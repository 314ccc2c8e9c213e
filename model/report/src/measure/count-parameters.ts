/**
 * How many trained numbers a model holds, counted where layers read them: a weight kept in four-bit
 * planes and unpacked by a dozen nodes is as many parameters as the float tensor it stands for.
 */
import { type Graph, isStatic, type Node, type Value } from "@cupel/onnx";

/** Values that follow from constants alone. */
export function constantValues(graph: Graph): Set<Value> {
  const fed = new Set(graph.inputs);
  const found = new Set<Value>();
  const isConstant = (value: Value | null) =>
    value === null || found.has(value) || (value.constant !== null && !fed.has(value));
  for (const value of graph.initializers) if (!fed.has(value)) found.add(value);
  for (const node of graph.allNodes()) {
    // Those of a branch are no initialisers of the graph around it.
    for (const value of node.inputs) if (value?.constant && !fed.has(value)) found.add(value);
    if (node.opType.startsWith("Random") || !node.inputs.every(isConstant)) continue;
    for (const output of node.outputs) found.add(output);
  }
  return found;
}

/**
 * Elements of the float constants of rank 1 and more that `nodes` compute with, each counted once.
 * Shapes of unpacked weights are known after `inferShapes`.
 */
export function countParameters(nodes: Iterable<Node>, constants: ReadonlySet<Value>): number {
  const counted = new Set<Value>();
  for (const node of nodes) {
    if (constants.has(node.output)) continue;
    for (const value of node.inputs) if (value && constants.has(value)) counted.add(value);
  }
  return [...counted].reduce((sum, value) => sum + parametersIn(value), 0);
}

function parametersIn(value: Value): number {
  const type = value.constant?.type ?? (value.type?.kind === "tensor" ? value.type.elementType : null);
  const { shape } = value;
  if (!type?.startsWith("float") || !isStatic(shape) || shape.length === 0) return 0;
  return shape.reduce((product, dim) => product * dim, 1);
}
