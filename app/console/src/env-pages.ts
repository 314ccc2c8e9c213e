/** The pages about the environment of processes: who did what with which name, and who set what. No value is in them. */
import { renderPage } from "./render-page.ts";
import { visibleText } from "./visible-text.ts";

/** As @cupel/env-trace has them. */
export type TracedKind = "read" | "write" | "delete" | "enumerate" | "inherit" | "report" | "load-file";

export interface TracedPackage {
  readonly name: string;
  readonly class: "package" | "tool" | "program";
  /** The older lockfile does not have it as it is. */
  readonly isNew: boolean;
}

export interface TracedAccess {
  /** Index into the packages. */
  readonly package: number;
  /** Index into the keys; null: of no single name. */
  readonly key: number | null;
  readonly kind: TracedKind;
  /** At least. */
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  readonly callers: readonly string[];
  /** Of children that got it, masked. */
  readonly commands: readonly string[];
  /** "node_modules/left/index.js:3" */
  readonly place: string | null;
  readonly isListed: boolean;
  readonly isDenied: boolean;
  /** The baseline does not have it. */
  readonly isNew: boolean;
}

/** What the page holds, as JSON in the element `#env-trace`. */
export interface EnvTraceDocument {
  readonly format: "cupel-env-trace-page/1";
  /** The command line, masked. */
  readonly program: string;
  readonly status: number | null;
  readonly signal: string | null;
  /** ISO 8601, UTC. */
  readonly tracedAt: string;
  /** Of the policy; null where there was none. */
  readonly mode: string | null;
  /** Names of the files; null where there was none. */
  readonly baseline: string | null;
  readonly lockfile: string | null;
  readonly packages: readonly TracedPackage[];
  readonly keys: readonly { readonly name: string; readonly isTagged: boolean }[];
  readonly accesses: readonly TracedAccess[];
}

/**
 * The whole page for one trace, as HTML text to write to a file. Characters of its names that nobody can see are written out.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderEnvTrace(trace: Omit<EnvTraceDocument, "format">): Promise<string> {
  const data: EnvTraceDocument = { format: "cupel-env-trace-page/1", ...trace };
  const title = `${visibleText(trace.program)}: who reads the environment`;
  return renderPage("env-trace", { title, data, text: visibleText });
}

export type ProvenanceNodeKind = "process" | "script" | "variable" | "package" | "source";

export interface ProvenanceNode {
  readonly kind: ProvenanceNodeKind;
  readonly label: string;
  /** Of a process, where it is known. */
  readonly pid: number | null;
  /** What else is known, in words. */
  readonly details: readonly string[];
  /** Whether it listed the whole environment. */
  readonly listsAll: boolean;
}

export type ProvenanceEdgeKind =
  | "started"
  | "ran"
  | "set"
  | "deleted"
  | "read-by"
  | "passed"
  | "names"
  | "run-by"
  | "loaded";

export interface ProvenanceEdge {
  /** Indices into the nodes. */
  readonly from: number;
  readonly to: number;
  readonly kind: ProvenanceEdgeKind;
  /** Milliseconds since 1970; null where no time is known. */
  readonly at: number | null;
}

export interface EnvGraphFinding {
  /** A chain that carries a variable naming a script which then runs, or a node that was asked for. */
  readonly kind: "chain" | "asked";
  /** Of a chain: whether the command says the variable's name, or the path that it has. */
  readonly how: "by-variable" | "by-path" | null;
  /** Milliseconds since 1970; null where no time is known. */
  readonly at: number | null;
  /** Indices into the nodes. Of a chain: who set the variable, the variable, the script, and the processes down to the one that ran it. */
  readonly nodes: readonly number[];
}

/** What the page holds, as JSON in the element `#env-graph`. */
export interface EnvGraphDocument {
  readonly format: "cupel-env-graph-page/1";
  /** Logs, traces and sources. */
  readonly inputs: readonly string[];
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  /** What was asked besides chains: "read AWS_SECRET_ACCESS_KEY". */
  readonly question: string | null;
  readonly findings: readonly EnvGraphFinding[];
  /** What is looked at first comes first. */
  readonly nodes: readonly ProvenanceNode[];
  readonly edges: readonly ProvenanceEdge[];
  /** Nodes of the graph, also those that are not in the page. */
  readonly nodesInAll: number;
  /** Records of the logs that the graph had no room for. */
  readonly recordsLeftOut: number;
}

/**
 * The whole page for one provenance graph, as HTML text to write to a file. Characters of its names that nobody can see are written out.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderEnvGraph(graph: Omit<EnvGraphDocument, "format">): Promise<string> {
  const data: EnvGraphDocument = { format: "cupel-env-graph-page/1", ...graph };
  return renderPage("env-graph", { title: "Who set what: provenance graph", data, text: visibleText });
}
