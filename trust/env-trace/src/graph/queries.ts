/** Questions to a graph. A new one is a row. */
import type { GraphEdge, GraphNode, ProvenanceGraph } from "./provenance-graph.ts";

/** A variable that names a script, which then runs in a process that has the variable; or whose content a process runs. */
export interface CarriedScript {
  readonly variable: string;
  /** Null where the variable was run by and what it names is not known. */
  readonly script: string | null;
  /** Who set it; null where nothing here says so. */
  readonly setter: string | null;
  readonly runner: string;
  /** Milliseconds since the epoch; null where no time is known, as of a file. */
  readonly setAt: number | null;
  readonly ranAt: number | null;
  /** `by-variable`: the command says the variable's name. `by-path`: it says the path that the variable has. */
  readonly how: "by-variable" | "by-path";
  /** Ids of nodes: setter, variable, script where it is known, and the processes from the setter, or the oldest that is known, to the runner. */
  readonly chain: readonly string[];
}

/** In the order of the time at which they ran. */
export function carriedScripts(graph: ProvenanceGraph): CarriedScript[] {
  const view = new GraphView(graph);
  const found = new Map<string, CarriedScript>();
  const add = (
    variable: string,
    script: string | null,
    run: GraphEdge,
    runner: string,
    how: CarriedScript["how"],
  ) => {
    const sets = view.into(variable, "set").filter((set) => isBefore(set, run));
    const reaching = sets.filter(
      (set) => set.reach !== "process" || set.from === runner || view.ancestors(runner).includes(set.from),
    );
    // Of one that nobody is seen to set, the command itself says that it runs it; a path alone says nothing.
    if (reaching.length === 0 && how === "by-path") return;
    const set = reaching.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))[0] ?? null;
    const key = JSON.stringify([variable, script, runner]);
    if (found.get(key)?.how === "by-variable") return;
    const line = view.ancestors(runner);
    const from = set === null ? -1 : line.indexOf(set.from);
    const processes = [...line.slice(0, from < 0 ? line.length : from + 1).toReversed(), runner];
    const setter = set?.from ?? null;
    found.set(key, {
      variable,
      script,
      setter,
      runner,
      setAt: set?.at ?? null,
      ranAt: run.at,
      how,
      chain: [
        ...new Set([
          ...(setter === null ? [] : [setter]),
          variable,
          ...(script === null ? [] : [script]),
          ...processes,
        ]),
      ],
    });
  };
  for (const run of graph.edges) {
    if (run.kind === "run-by") {
      const scripts = view.outOf(run.from, "names").filter((names) => isBefore(names, run));
      if (scripts.length === 0) add(run.from, null, run, run.to, "by-variable");
      for (const { to } of scripts) add(run.from, to, run, run.to, "by-variable");
    } else if (run.kind === "ran") {
      for (const names of view.into(run.to, "names"))
        if (isBefore(names, run)) add(names.from, run.to, run, run.from, "by-path");
    }
  }
  return [...found.values()].sort((a, b) => (a.ranAt ?? 0) - (b.ranAt ?? 0));
}

/** What is of no time was always there. */
function isBefore(earlier: GraphEdge, later: GraphEdge): boolean {
  return earlier.at === null || later.at === null || earlier.at <= later.at;
}

/** Nodes that did something with a variable of a name, which is blind to case only where the logs are of Windows. */
export function actorsOf(graph: ProvenanceGraph, name: string, does: "set" | "read"): GraphNode[] {
  const view = new GraphView(graph);
  const variables = graph.nodes.filter(
    ({ kind, id, label }) =>
      kind === "variable" &&
      (label === name || (id.startsWith("w:") && label.toLowerCase() === name.toLowerCase())),
  );
  const ids = variables.flatMap(({ id }) =>
    does === "set"
      ? view.into(id, "set").map(({ from }) => from)
      : ["read-by" as const, "run-by" as const].flatMap((kind) => view.outOf(id, kind).map(({ to }) => to)),
  );
  return [...new Set(ids)].flatMap((id) => view.node(id) ?? []);
}

/** Processes that listed the whole environment. */
export function listersOf(graph: ProvenanceGraph): GraphNode[] {
  return graph.nodes.filter((node) => node.kind === "process" && node.lists);
}

export class GraphView {
  readonly #nodes: ReadonlyMap<string, GraphNode>;
  readonly #into: Map<string, GraphEdge[]>;
  readonly #outOf: Map<string, GraphEdge[]>;

  constructor({ nodes, edges }: ProvenanceGraph) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#into = Map.groupBy(edges, ({ to }) => to);
    this.#outOf = Map.groupBy(edges, ({ from }) => from);
  }

  node(id: string): GraphNode | undefined {
    return this.#nodes.get(id);
  }

  into(id: string, kind: GraphEdge["kind"]): readonly GraphEdge[] {
    return (this.#into.get(id) ?? []).filter((edge) => edge.kind === kind);
  }

  outOf(id: string, kind: GraphEdge["kind"]): readonly GraphEdge[] {
    return (this.#outOf.get(id) ?? []).filter((edge) => edge.kind === kind);
  }

  /** Of a process, from the one that started it on. A log that was made up may go round. */
  ancestors(id: string): string[] {
    const found = new Set<string>();
    for (let at: string | undefined = id; at !== undefined; ) {
      const next: string | undefined = this.into(at, "started")[0]?.from;
      if (next === undefined || next === id || found.has(next)) break;
      found.add(next);
      at = next;
    }
    return [...found];
  }
}
