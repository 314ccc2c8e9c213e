/**
 * A graph as a flowchart of Mermaid. What is drawn is what has to do with variables and scripts, and the processes above it; a diagram of more
 * is read by nobody, and Mermaid itself stops at 500 edges. Every character of a name that could mean something to Mermaid is
 * written as its number.
 */
import type { EdgeKind, GraphNode, ProvenanceGraph } from "./provenance-graph.ts";
import { GraphView } from "./queries.ts";

export interface DrawOptions {
  /** Default 100. */
  readonly mostNodes?: number | undefined;
  /** These alone, and what is between them, in this order. Default: all that has to do with variables and scripts. */
  readonly ids?: readonly string[] | undefined;
}

export interface DrawnGraph {
  readonly text: string;
  /** Nodes that are not drawn though they belong to it. */
  readonly leftOut: number;
}

const shapes: Readonly<Record<GraphNode["kind"], readonly [open: string, close: string]>> = {
  process: ["[", "]"],
  script: ["[/", "/]"],
  variable: ["([", "])"],
  package: ["[[", "]]"],
  source: ["[(", ")]"],
};

const words: Readonly<Record<EdgeKind, string>> = {
  started: "started",
  ran: "ran",
  set: "set",
  deleted: "deleted",
  "read-by": "read by",
  passed: "passed on",
  names: "names",
  "run-by": "run by",
  loaded: "loaded",
};

/** Edges that Mermaid draws. */
const mostEdges = 500;

export function drawGraph(graph: ProvenanceGraph, { mostNodes = 100, ids }: DrawOptions = {}): DrawnGraph {
  const wanted = ids ?? idsOfInterest(graph);
  const drawn = new Map(wanted.slice(0, mostNodes).map((id, at) => [id, `n${at}`]));
  const view = new GraphView(graph);
  const lines = ["flowchart LR"];
  for (const [id, name] of drawn) {
    const node = view.node(id);
    if (node === undefined) continue;
    const [open, close] = shapes[node.kind];
    lines.push(`  ${name}${open}"${mermaidText(labelOf(node))}"${close}`);
  }
  const edges = graph.edges.filter(({ from, to }) => drawn.has(from) && drawn.has(to));
  for (const { from, to, kind } of edges.slice(0, mostEdges))
    lines.push(`  ${drawn.get(from)} -->|"${words[kind]}"| ${drawn.get(to)}`);
  return { text: `${lines.join("\n")}\n`, leftOut: wanted.length - drawn.size };
}

/** What has to do with variables and scripts, the processes above it, and those that list everything. */
export function idsOfInterest(graph: ProvenanceGraph): string[] {
  const view = new GraphView(graph);
  const found = new Set<string>();
  for (const { from, to, kind } of graph.edges) {
    if (kind === "started") continue;
    for (const id of [from, to]) {
      found.add(id);
      if (view.node(id)?.kind === "process") for (const above of view.ancestors(id)) found.add(above);
    }
  }
  for (const node of graph.nodes) if (node.kind === "process" && node.lists) found.add(node.id);
  return [...found];
}

function labelOf(node: GraphNode): string {
  if (node.kind !== "process") return node.label;
  return `${node.label}${node.pid === null ? "" : ` ${node.pid}`}${node.lists ? " (lists all)" : ""}`;
}

/** Characters of a label. */
const longestLabel = 120;

/** In quotes. Letters, digits and a few signs stay; the rest becomes `#NUMBER;`, which Mermaid draws as the character. */
export function mermaidText(text: string): string {
  const characters = Array.from(text.toWellFormed());
  const shown =
    characters.length > longestLabel ? [...characters.slice(0, longestLabel - 1), "\u2026"] : characters;
  return shown
    .map((character) => {
      if (/[\p{L}\p{N}\p{M} ._\-/:@+()]/u.test(character)) return character;
      // What a screen obeys and nobody sees.
      return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character) ? "\u25a1" : `#${character.codePointAt(0)};`;
    })
    .join("");
}
