/**
 * Who set what, and which process or script started with it. Nodes are processes, scripts, variables, packages and the files that set variables;
 * edges say what one did with another, and when. Values and command lines are in none of them.
 */

export type GraphNode =
  | {
      readonly id: string;
      readonly kind: "process";
      /** The name of its program. */
      readonly label: string;
      readonly image: string | null;
      readonly host: string;
      readonly pid: number | null;
      /** Milliseconds since the epoch; null where its start is not in the logs. */
      readonly at: number | null;
      /** Whether it listed the whole environment. */
      readonly lists: boolean;
      /** What is not known of its command; null where all is. */
      readonly incomplete: string | null;
    }
  | { readonly id: string; readonly kind: "script"; readonly label: string }
  | { readonly id: string; readonly kind: "variable"; readonly label: string }
  | { readonly id: string; readonly kind: "package"; readonly label: string }
  /** A file, or another persistent source, that sets variables. */
  | { readonly id: string; readonly kind: "source"; readonly label: string };

export type EdgeKind =
  /** process to process */
  | "started"
  /** process to script */
  | "ran"
  /** process or package or source to variable */
  | "set"
  | "deleted"
  /** variable to process or package */
  | "read-by"
  /** process to variable: a child got it */
  | "passed"
  /** variable to script: its value names it */
  | "names"
  /** variable to process, which ran what the variable names or holds */
  | "run-by"
  /** process to package: its code ran there */
  | "loaded";

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  /** Milliseconds since the epoch; null where no time is known, as of a file. */
  readonly at: number | null;
  /** Of `set` and `deleted`: who sees it. */
  readonly reach: "process" | "user" | "machine" | null;
}

export interface ProvenanceGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Processes that are in the logs and not here, because there were more than the graph takes. */
  readonly leftOut: number;
}
