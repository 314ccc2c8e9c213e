/**
 * Cuts a graph into segments, each ending in a value that is compared: everything between one compared
 * activation and the next belongs to one layer of the report. The same cut of both graphs tells which
 * nodes, weights and run time belong together, whatever fusing and unpacking happened in between.
 */
import type { Graph, Node, Tensor, Value } from "@cupel/onnx";

export interface Segment {
  readonly end: Value;
  /** In execution order. A node that leads to several ends belongs to the first of them. */
  readonly nodes: readonly Node[];
  /** The ends this one is computed from; none when it reads the image only. */
  readonly inputs: readonly Value[];
  /** What its nodes hold in the file; a tensor several segments share belongs to the first. */
  readonly constants: readonly Tensor[];
  /** Names of those among them that have one. */
  readonly constantNames: ReadonlySet<string>;
}

/** @param ends in execution order. */
export function segmentsOf(graph: Graph, ends: readonly Value[]): Segment[] {
  const place = new Map([...graph.nodes].map((node, index) => [node, index]));
  const isEnd = new Set(ends);
  const claimedNodes = new Set<Node>();
  const claimedConstants = new Set<Tensor>();
  return ends.map((end) => {
    const reach = reachBack(end, isEnd);
    const nodes = reach.nodes.filter((node) => !claimedNodes.has(node));
    for (const node of nodes) claimedNodes.add(node);
    const held = [
      ...reach.constants.map((value) => ({ name: value.name, tensor: value.constant! })),
      ...nodes.flatMap((node) => constantNodeTensor(node)),
    ].filter(({ tensor }) => !claimedConstants.has(tensor));
    for (const { tensor } of held) claimedConstants.add(tensor);
    return {
      end,
      nodes: nodes.sort((a, b) => place.get(a)! - place.get(b)!),
      inputs: reach.inputs,
      constants: held.map(({ tensor }) => tensor),
      constantNames: new Set(held.map(({ name }) => name)),
    };
  });
}

/** Everything `end` is computed from, up to other ends, constants and graph inputs. */
function reachBack(end: Value, isEnd: ReadonlySet<Value>) {
  const nodes = new Set<Node>();
  const inputs = new Set<Value>();
  const constants = new Set<Value>();
  const open = end.producer ? [end.producer] : [];
  for (let node = open.pop(); node; node = open.pop()) {
    if (nodes.has(node)) continue;
    nodes.add(node);
    for (const value of node.inputs) {
      if (!value) continue;
      if (value.constant) constants.add(value);
      else if (isEnd.has(value)) inputs.add(value);
      else if (value.producer) open.push(value.producer);
    }
  }
  return { nodes: [...nodes], inputs: [...inputs], constants: [...constants] };
}

function constantNodeTensor(node: Node): { name: string; tensor: Tensor }[] {
  const tensor = node.is("Constant") ? node.tensor("value") : null;
  return tensor ? [{ name: node.output.name, tensor }] : [];
}
