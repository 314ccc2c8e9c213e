/** What must be true of a graph after every edit, checked without the help of the code under test. */
import assert from "node:assert/strict";
import { type Graph, type Node, subgraphsOf, type Value } from "../../src/index.ts";

export function assertInvariants(graph: Graph): void {
  const uses = new Map<Value, Set<string>>();
  const nodes = [...graph.allNodes()];
  const numbers = new Map(nodes.map((node, index) => [node, index]));
  for (const node of nodes) {
    for (const [index, value] of node.inputs.entries()) {
      if (!value) continue;
      const held = uses.get(value) ?? new Set();
      held.add(`${numbers.get(node)}:${index}`);
      uses.set(value, held);
    }
    for (const output of node.outputs)
      assert.equal(output.producer, node, `${output.name} knows its producer`);
  }
  check(graph, numbers, uses);
  assert.deepEqual([...graph.nodes], [...graph.nodes.reversed()].reverse(), "the list reads alike both ways");
  assert.equal(graph.nodes.length, [...graph.nodes].length);
}

function check(
  graph: Graph,
  numbers: ReadonlyMap<Node, number>,
  uses: ReadonlyMap<Value, Set<string>>,
): void {
  for (const value of graph.values()) {
    const listed = value.uses.map((use) => `${numbers.get(use.node)}:${use.index}`);
    assert.deepEqual(new Set(listed), uses.get(value) ?? new Set(), `uses of ${value.name}`);
    assert.equal(listed.length, new Set(listed).size, `${value.name} lists no use twice`);
    assert.equal(graph.value(value.name), value, `${value.name} is found by name`);
    if (value.producer) assert.ok(numbers.has(value.producer), `${value.name} has a producer in the graph`);
  }
  for (const node of graph.nodes) for (const body of subgraphsOf(node)) check(body, numbers, uses);
}
