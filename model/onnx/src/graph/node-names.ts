/**
 * Names of nodes, which ONNX leaves free and the engine does not: it refuses a graph in which two nodes have the same
 * name. A name means nothing to what is computed, so that another one changes nothing.
 */
import { type Graph, subgraphsOf } from "./graph.ts";

/**
 * Gives each node that has the name of an earlier one of its graph a name of its own, `NAME_1`, in nested graphs too.
 * Nodes without a name stay without.
 * @returns the names that several nodes had, each once.
 */
export function separateNodeNames(graph: Graph): readonly string[] {
  const repeated = new Set<string>();
  const given = new Set(Array.from(graph.nodes, ({ name }) => name));
  const seen = new Set<string>();
  /** By name, the last suffix tried: thousands of nodes may have the same name. */
  const suffixes = new Map<string, number>();
  const freeName = (base: string): string => {
    let suffix = suffixes.get(base) ?? 0;
    do suffix++;
    while (given.has(`${base}_${suffix}`));
    suffixes.set(base, suffix);
    return `${base}_${suffix}`;
  };
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) for (const name of separateNodeNames(body)) repeated.add(name);
    if (node.name === "") continue;
    if (seen.has(node.name)) {
      repeated.add(node.name);
      node.name = freeName(node.name);
      given.add(node.name);
    }
    seen.add(node.name);
  }
  return [...repeated];
}
