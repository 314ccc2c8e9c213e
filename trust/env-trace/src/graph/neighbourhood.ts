/** The order in which the nodes of a graph are looked at: what was found, what it has to do with, what that has to do with, the others. */
import { idsOfInterest } from "./mermaid.ts";
import type { EdgeKind, ProvenanceGraph } from "./provenance-graph.ts";

/** What a process did with variables and scripts before which processes it started. */
const rank = (kind: EdgeKind) => (kind === "started" || kind === "loaded" ? 1 : 0);

/**
 * Ids of nodes, by their steps from the first ones.
 * @param first ids of nodes; without any it begins with what has to do with variables and scripts
 * @param most nodes. Where there are more, those that are further away are left out
 */
export function neighbourhood(graph: ProvenanceGraph, first: readonly string[], most: number): string[] {
  const edges = graph.edges.toSorted((a, b) => rank(a.kind) - rank(b.kind));
  const out = Map.groupBy(edges, ({ from }) => from);
  const into = Map.groupBy(edges, ({ to }) => to);
  const found = new Set(first.length > 0 ? first : idsOfInterest(graph));
  for (const id of found) {
    if (found.size >= most) break;
    const near = [...(out.get(id) ?? []), ...(into.get(id) ?? [])].sort(
      (a, b) => rank(a.kind) - rank(b.kind),
    );
    for (const { from, to } of near) found.add(from === id ? to : from);
  }
  for (const { id } of graph.nodes) {
    if (found.size >= most) break;
    found.add(id);
  }
  return [...found].slice(0, most);
}
