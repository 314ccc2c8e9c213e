/**
 * The blocks of a network: stretches between values that all later values follow from, such as residual blocks, or single
 * layers with their activation where nothing goes around them.
 */
import { type Graph, subgraphsOf, type Value } from "@cupel/onnx";
import type { Layer } from "../layer.ts";

export interface Block {
  /** The only value the block reads but constants, and the only one that is read of it. */
  readonly from: Value;
  readonly to: Value;
  readonly layers: readonly Layer[];
}

/** Longer stretches are left out: no block then, but half a network. */
const mostLayers = 8;

/** In execution order; each has a layer of `layers`. */
export function blocksOf(graph: Graph, layers: readonly Layer[]): Block[] {
  if ([...graph.nodes].some((node) => [...subgraphsOf(node)].length > 0)) return [];
  const byNode = new Map(layers.map((layer) => [layer.node, layer]));
  const left = new Map<Value, number>();
  const live = new Set<Value>();
  const start = (value: Value) => {
    const readers = value.uses.length + (graph.isOutput(value) ? 1 : 0);
    left.set(value, readers);
    if (readers > 0) live.add(value);
  };
  for (const input of graph.inputs) if (!input.constant) start(input);
  let from = live.size === 1 ? [...live][0]! : null;
  const blocks: Block[] = [];
  let own: Layer[] = [];
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!input || !left.has(input)) continue;
      left.set(input, left.get(input)! - 1);
      if (left.get(input) === 0) live.delete(input);
    }
    // What follows from constants alone is no way past a block.
    if (node.inputs.some((input) => input && left.has(input)))
      for (const output of node.outputs) start(output);
    const layer = byNode.get(node);
    if (layer) own.push(layer);
    if (live.size !== 1) continue;
    const [to] = live;
    if (own.length > 0) {
      if (from && own.length <= mostLayers) blocks.push({ from, to: to!, layers: own });
    } else if (blocks.at(-1)?.to === from) {
      // An activation belongs to the block before it.
      blocks.push({ ...blocks.pop()!, to: to! });
    }
    own = [];
    from = to!;
  }
  return blocks;
}
