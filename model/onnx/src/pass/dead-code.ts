/**
 * Drops what no output needs: nodes, and the constants only they read, in nested graphs too.
 *
 * Kept whatever reads it: graph inputs and outputs (the model's face), and nodes that may act on the
 * world. ONNX's own operators never do; one of a domain we do not know might print or log.
 */

import { type Graph, type Node, subgraphsOf, type Value } from "../graph/index.ts";
import type { Pass } from "./pass.ts";

/** Domains whose operators only compute. */
const pureDomains = new Set(["", "ai.onnx", "ai.onnx.ml", "com.microsoft"]);

export const removeDeadCode: Pass = {
  name: "remove-dead-code",
  run(model) {
    const removed = { nodes: 0, constants: 0 };
    sweep(model.graph, removed);
    const notes: string[] = [];
    if (removed.nodes > 0) notes.push(`removed ${removed.nodes} nodes whose results nothing used`);
    if (removed.constants > 0) notes.push(`removed ${removed.constants} constants nothing used`);
    return { modified: notes.length > 0, notes };
  },
};

function sweep(graph: Graph, removed: { nodes: number; constants: number }): void {
  const outputs = outputsOf(graph);
  // Backwards: a node goes before the nodes that fed it are looked at.
  for (const node of graph.nodes.reversed()) {
    if (
      hasNoEffect(node) &&
      node.outputs.every((output) => output.uses.length === 0 && !outputs.has(output))
    ) {
      graph.remove(node);
      removed.nodes++;
    } else {
      for (const body of subgraphsOf(node)) sweep(body, removed);
    }
  }
  const kept = new Set([...graph.inputs, ...outputs]);
  for (const constant of [...graph.initializers]) {
    if (constant.uses.length > 0 || kept.has(constant)) continue;
    graph.removeConstant(constant);
    removed.constants++;
  }
}

/** What leaves this graph, and what a nested graph hands on directly. */
function outputsOf(graph: Graph): Set<Value> {
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) for (const output of outputsOf(body)) outputs.add(output);
  }
  return outputs;
}

function hasNoEffect(node: Node): boolean {
  return (
    pureDomains.has(node.domain) &&
    subgraphsOf(node).every((body) => [...body.nodes].every((inner) => hasNoEffect(inner)))
  );
}
