/**
 * Puts nodes after what they read, as ONNX demands of a file, and moves none that stands right already.
 *
 * Depth first in the present order: before a node come the nodes it waits for (also those its bodies
 * read from outside). The walk keeps its own stack, because an exported graph may be thousands deep.
 */
import { onnxErrors } from "../errors.ts";
import { type Graph, subgraphsOf } from "./graph.ts";
import type { Node } from "./node.ts";
import type { Value } from "./value.ts";

/**
 * Sorts the graph and all graphs nested in it.
 * @returns whether anything moved.
 * @throws MODEL_INVALID on a cycle, naming the nodes on it.
 */
export function sortTopologically(graph: Graph): boolean {
  let moved = false;
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) moved = sortTopologically(body) || moved;
  }
  const before = [...graph.nodes];
  const order = executionOrder(graph);
  if (order.every((node, index) => node === before[index])) return moved;
  for (const node of order) {
    graph.nodes.remove(node);
    graph.nodes.append(node);
  }
  return true;
}

/** @throws MODEL_INVALID when the graph itself (not one nested in it) has a cycle. */
export function assertAcyclic(graph: Graph): void {
  executionOrder(graph);
}

/** @throws MODEL_INVALID on a cycle. */
function executionOrder(graph: Graph): Node[] {
  const order = new Set<Node>();
  const open = new Set<Node>();
  for (const root of graph.nodes) {
    const stack = [{ node: root, waitsFor: producersOf(graph, root) }];
    open.add(root);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const next = top.waitsFor.next();
      if (next.done) {
        order.add(top.node);
        open.delete(top.node);
        stack.pop();
      } else if (!order.has(next.value)) {
        if (open.has(next.value)) throw cycle([...open], next.value);
        open.add(next.value);
        stack.push({ node: next.value, waitsFor: producersOf(graph, next.value) });
      }
    }
  }
  return [...order];
}

function* producersOf(graph: Graph, node: Node): Generator<Node, void> {
  for (const value of readBy(node)) {
    if (value.producer && graph.nodes.has(value.producer)) yield value.producer;
  }
}

/** What a node reads, and what its bodies read; values made inside a body are harmless here. */
function* readBy(node: Node): Generator<Value, void> {
  for (const value of node.inputs) if (value) yield value;
  for (const body of subgraphsOf(node)) {
    for (const inner of body.nodes) yield* readBy(inner);
    yield* body.outputs;
  }
}

function cycle(open: readonly Node[], again: Node) {
  const around = [...open.slice(open.indexOf(again)), again];
  return onnxErrors.error(
    "MODEL_INVALID",
    // Each node on the walk waits for the next: read backwards, data flows along the cycle.
    `The graph has a cycle: ${around
      .reverse()
      .map((node) => node.label)
      .join(" -> ")}.`,
    { details: { nodes: around.map((node) => node.name) } },
  );
}
