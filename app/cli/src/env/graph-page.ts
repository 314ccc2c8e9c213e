/** A graph as the page of the console has it: what was found, and what it has to do with, first. Pure. */
import type { EnvGraphDocument, EnvGraphFinding } from "@cupel/console";
import { type CarriedScript, type GraphNode, neighbourhood, type ProvenanceGraph } from "@cupel/env-trace";

/** Nodes that a page has; it draws fewer at once. */
const mostNodes = 2000;

export interface GraphPageFacts extends Pick<EnvGraphDocument, "inputs" | "madeAt"> {
  readonly chains: readonly CarriedScript[];
  /** What was asked besides, in words, and what was found. */
  readonly asked: { readonly question: string; readonly nodes: readonly GraphNode[] } | null;
}

export function graphPage(
  graph: ProvenanceGraph,
  { chains, asked, ...facts }: GraphPageFacts,
): Omit<EnvGraphDocument, "format"> {
  const seeds = [...chains.flatMap(({ chain }) => chain), ...(asked?.nodes ?? []).map(({ id }) => id)];
  const ids = neighbourhood(graph, [...new Set(seeds)], mostNodes);
  const places = new Map(ids.map((id, at) => [id, at]));
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const placesOf = (found: readonly string[]) => found.flatMap((id) => places.get(id) ?? []);
  const findings: EnvGraphFinding[] = [
    ...chains.map(({ chain, ranAt, how }) => ({
      kind: "chain" as const,
      how,
      at: ranAt,
      nodes: placesOf(chain),
    })),
    ...(asked?.nodes ?? []).map((node) => ({
      kind: "asked" as const,
      how: null,
      at: node.kind === "process" ? node.at : null,
      nodes: placesOf([node.id]),
    })),
  ];
  return {
    ...facts,
    question: asked?.question ?? null,
    // One that is further on than the page has room for is told by --json.
    findings: findings.filter(({ nodes }) => nodes.length > 0),
    nodes: ids.flatMap((id) => {
      const node = byId.get(id);
      return node === undefined ? [] : [nodeOf(node)];
    }),
    edges: graph.edges.flatMap(({ from, to, kind, at }) => {
      const [first, second] = [places.get(from), places.get(to)];
      return first === undefined || second === undefined ? [] : [{ from: first, to: second, kind, at }];
    }),
    nodesInAll: graph.nodes.length,
    recordsLeftOut: graph.leftOut,
  };
}

function nodeOf(node: GraphNode): EnvGraphDocument["nodes"][number] {
  const { kind, label } = node;
  if (node.kind !== "process") return { kind, label, pid: null, details: [], listsAll: false };
  const { image, host, at, incomplete } = node;
  const details = [
    image === null || image === label ? null : `program ${image}`,
    host === "" ? null : `on ${host}`,
    at === null ? null : `started at ${new Date(at).toISOString()}`,
    incomplete === null ? null : `not known of its command: ${incomplete}`,
  ];
  return {
    kind,
    label,
    pid: node.pid,
    details: details.filter((detail) => detail !== null),
    listsAll: node.lists,
  };
}
