/** Which nodes are drawn: of all that the page has the first ones, or what is around a finding or a node. */
import type { EnvGraphDocument } from "../../../src/env-pages.ts";

export type Focus =
  | { readonly kind: "all" }
  /** Indices into the findings, and into the nodes. */
  | { readonly kind: "finding"; readonly at: number }
  | { readonly kind: "node"; readonly at: number };

/** Around a finding, or a node. */
const steps = 2;

/** Indices of nodes, the nearest first. @param most nodes */
export function shownNodes(
  graph: EnvGraphDocument,
  focus: Focus,
  most: number,
): { readonly nodes: readonly number[]; readonly left: number } {
  if (focus.kind === "all") {
    const nodes = graph.nodes.map((_, at) => at).slice(0, most);
    return { nodes, left: graph.nodesInAll - nodes.length };
  }
  const first = focus.kind === "node" ? [focus.at] : (graph.findings[focus.at]?.nodes ?? []);
  const beside = besideOf(graph);
  const distance = new Map(first.map((at) => [at, 0]));
  for (const [at, far] of distance) {
    if (far === steps) continue;
    for (const next of beside.get(at) ?? []) if (!distance.has(next)) distance.set(next, far + 1);
  }
  const near = [...distance.keys()];
  return { nodes: near.slice(0, most), left: Math.max(0, near.length - most) };
}

function besideOf({ edges }: EnvGraphDocument): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  const add = (from: number, to: number) => {
    const known = found.get(from);
    if (known === undefined) found.set(from, [to]);
    else known.push(to);
  };
  // What was done with variables and scripts is nearer than who started whom.
  const isFar = ({ kind }: EnvGraphDocument["edges"][number]) =>
    Number(kind === "started" || kind === "loaded");
  for (const edge of edges.toSorted((a, b) => isFar(a) - isFar(b))) {
    add(edge.from, edge.to);
    add(edge.to, edge.from);
  }
  return found;
}
