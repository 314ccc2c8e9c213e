/** Nodes and edges in words. */
import type {
  EnvGraphFinding,
  ProvenanceEdge,
  ProvenanceEdgeKind,
  ProvenanceNode,
  ProvenanceNodeKind,
} from "../../../src/env-pages.ts";

export const kindWords: Readonly<Record<ProvenanceNodeKind, string>> = {
  process: "process",
  script: "script",
  variable: "variable",
  package: "package",
  source: "file that sets variables",
};

export const edgeWords: Readonly<Record<ProvenanceEdgeKind, string>> = {
  started: "started",
  ran: "ran",
  set: "set",
  deleted: "deleted",
  "read-by": "read by",
  passed: "handed on",
  names: "names",
  "run-by": "run by",
  loaded: "loaded",
};

/** "process 1234" */
export function kindText({ kind, pid, listsAll }: ProvenanceNode): string {
  const number = pid === null ? "" : ` ${pid}`;
  return `${kindWords[kind]}${number}${listsAll ? ", lists all" : ""}`;
}

/** "bash 1234" */
export function nodeName({ label, pid }: ProvenanceNode): string {
  return pid === null ? label : `${label} ${pid}`;
}

export function timeText(at: number | null): string {
  return at === null ? "" : new Date(at).toISOString().replace("T", " ").replace("Z", " UTC");
}

export function findingText({ kind, how }: EnvGraphFinding): string {
  if (kind === "asked") return "was asked for";
  return how === "by-variable"
    ? "the command has the variable's name"
    : "the command has the path that the variable holds";
}

/** Of all edges between two nodes: what one did, and what the other. */
export function wordsBetween(edges: readonly Pick<ProvenanceEdge, "kind">[]): string {
  return [...new Set(edges.map(({ kind }) => edgeWords[kind]))].join(", ");
}
