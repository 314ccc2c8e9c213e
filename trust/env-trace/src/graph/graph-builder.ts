/**
 * Makes the graph of logs, of the trace, and of persistent sources. Events come in any order; who started whom is settled at the end. Of more
 * processes than it takes, those that come later are counted and left out.
 */
import type { Observation } from "../observation.ts";
import type { EnvironmentReading } from "../snapshot/read-sources.ts";
import { foldName } from "../snapshot/windows/windows-environment.ts";
import { commandFindings } from "./commands/command-findings.ts";
import { type CommandFinding, isScript, pathsIn, programName } from "./commands/finding.ts";
import type { CommandText, ProcessEvent, ProcessName, ProcessStart, VariableWrite } from "./process-event.ts";
import { type KnownProcess, ProcessIndex } from "./process-index.ts";
import type { EdgeKind, GraphEdge, GraphNode, ProvenanceGraph } from "./provenance-graph.ts";
import { scriptKey } from "./script-path.ts";

/** Processes of one graph, of which each takes about 2 kB. */
const mostProcesses = 100_000;

/** Edges for each process that a graph takes. */
const edgesPerProcess = 10;
/** Of one command. */
const mostFindings = 200;

/** Paths in the value of a variable, that may be those of scripts. */
interface NamedPath {
  readonly variable: string;
  readonly path: string;
  readonly folder: string | null;
  readonly at: number | null;
}

type Family = "posix" | "windows";

export class GraphBuilder {
  readonly #processes = new ProcessIndex();
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, GraphEdge>();
  readonly #ids = new Map<KnownProcess, string>();
  readonly #starts: KnownProcess[] = [];
  readonly #writes: VariableWrite[] = [];
  readonly #named: NamedPath[] = [];
  /** By the process, which a trace knows by its number alone. */
  readonly #traced = new Map<number, string>();
  readonly #limit: number;
  #leftOut = 0;

  /** @param limit of processes. Default 100,000. */
  constructor(limit: number = mostProcesses) {
    this.#limit = limit;
  }

  addEvent(event: ProcessEvent): void {
    if (event.kind === "end") this.#processes.end(event, event.at);
    else if (event.kind === "variable") {
      if (this.#writes.length < this.#limit) this.#writes.push(event);
      else this.#leftOut++;
    } else this.#addStart(event);
  }

  #addStart(start: ProcessStart): void {
    if (this.#starts.length >= this.#limit) {
      this.#leftOut++;
      return;
    }
    const known = this.#processes.add(start);
    const isTwin = this.#ids.has(known);
    const id = this.#ids.get(known) ?? `p${this.#ids.size}`;
    if (!isTwin) {
      this.#ids.set(known, id);
      this.#starts.push(known);
      this.#put(processNode(id, start, start.at, start.incomplete));
    }
    this.#addFindings(id, start.command, start.at, start.folder, familyOf(start));
  }

  #addFindings(
    process: string,
    command: CommandText | null,
    at: number,
    folder: string | null,
    family: Family,
  ): void {
    if (this.#edges.size >= this.#limit * edgesPerProcess) {
      this.#leftOut++;
      return;
    }
    for (const finding of commandFindings(command).slice(0, mostFindings))
      this.#addFinding(process, finding, at, folder, family);
  }

  #addFinding(
    process: string,
    finding: CommandFinding,
    at: number,
    folder: string | null,
    family: Family,
  ): void {
    switch (finding.kind) {
      case "reads":
        this.#edge(this.#variable(finding.name, family), process, "read-by", at);
        break;
      case "lists":
        this.#change(process, { lists: true });
        break;
      case "deletes":
        this.#edge(process, this.#variable(finding.name, family), "deleted", at, finding.reach);
        break;
      case "sets": {
        const variable = this.#variable(finding.name, family);
        this.#edge(process, variable, "set", at, finding.reach);
        this.#name(variable, finding.value, folder, at);
        break;
      }
      case "runs-script":
        this.#edge(process, this.#script(finding.path, folder), "ran", at);
        break;
      case "runs-variable":
        this.#edge(this.#variable(finding.name, family), process, "run-by", at);
        break;
      case "unreadable":
        this.#change(process, { incomplete: finding.why });
    }
  }

  /** What a persistent source sets is there for every process. */
  addSources(reading: EnvironmentReading): void {
    for (const { variables } of reading.environments) {
      for (const statement of variables.values()) {
        const { place = "" } = reading.sources[statement.source] ?? {};
        const source = this.#put({ id: `f:${place}`, kind: "source", label: place });
        const variable = this.#variable(statement.name, reading.isCaseBlind ? "windows" : "posix");
        this.#edge(source, variable, "set", null, "machine");
        if (statement.kind === "set") this.#name(variable, statement.value, null, null);
      }
    }
  }

  /** What the policy denied did not happen. */
  addObservation({ at, pid, kind, key, package: name, caller, denied, child }: Observation): void {
    if (denied) return;
    const process = this.#traced.get(pid) ?? this.#tracedProcess(pid, at);
    const actor =
      name === "node" || name === "program" || name === "unknown"
        ? process
        : this.#put({ id: `k:${name}`, kind: "package", label: name });
    if (actor !== process) this.#edge(process, actor, "loaded", at);
    if (caller !== null && caller !== name)
      this.#edge(process, this.#put({ id: `k:${caller}`, kind: "package", label: caller }), "loaded", at);
    if (kind === "enumerate" || kind === "report") this.#change(process, { lists: true });
    if (child !== null)
      this.#edge(process, this.#traced.get(child) ?? this.#tracedProcess(child, at), "started", at);
    if (key === null) return;
    const variable = this.#variable(key, globalThis.process.platform === "win32" ? "windows" : "posix");
    if (kind === "read") this.#edge(variable, actor, "read-by", at);
    else if (kind === "write" || kind === "load-file") this.#edge(actor, variable, "set", at, "process");
    else if (kind === "delete") this.#edge(actor, variable, "deleted", at, "process");
    else if (kind === "inherit") this.#edge(process, variable, "passed", at);
  }

  #tracedProcess(pid: number, at: number): string {
    // A log that has the process too has it under this number, on a machine that it does not name.
    const known = this.#processes.find({ host: "", pid, guid: null, image: null }, at);
    const id = (known === null ? undefined : this.#ids.get(known)) ?? `t${pid}`;
    this.#traced.set(pid, id);
    if (known === null) {
      this.#put({
        id,
        kind: "process",
        label: "node",
        image: null,
        host: "",
        pid,
        at: null,
        lists: false,
        incomplete: null,
      });
    }
    return id;
  }

  /** Settles who started whom, and which script a value names. */
  build(): ProvenanceGraph {
    this.#processes.settleEnds();
    for (const known of this.#starts) {
      const id = this.#ids.get(known);
      if (id !== undefined) this.#settleParent(known, id);
    }
    for (const write of this.#writes) this.#settleWrite(write);
    for (const { variable, path, folder, at } of this.#named) {
      const id = `s:${scriptKey(path, folder)}`;
      // Any path could be one that runs; what has no ending of a script is one only if it did.
      if (isScript(path) || this.#nodes.has(id))
        this.#edge(variable, this.#script(path, folder), "names", at);
    }
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()], leftOut: this.#leftOut };
  }

  #settleParent(child: KnownProcess, id: string): void {
    const { parent, at, host, pid } = child.start;
    // On Linux a process may become another program; then it was that one before.
    const before =
      child.start.log === "auditd"
        ? this.#processes.find({ host, pid, guid: null, image: null }, at, child)
        : null;
    const isSame = before !== null && before.start.parent.pid === parent.pid;
    const found = isSame ? before : this.#processes.find(parent, at, child);
    const from = (found === null ? undefined : this.#ids.get(found)) ?? this.#unseen(parent, child.start);
    if (from !== null && from !== id) this.#edge(from, id, "started", at);
  }

  /** A process that a log names and whose start it does not have. */
  #unseen(
    name: ProcessName & { readonly command?: CommandText | null },
    by: ProcessStart | null,
  ): string | null {
    if (name.guid === null && name.pid === null) return null;
    const id = `u:${name.host} ${name.guid ?? `${name.pid} ${(name.image ?? "").toLowerCase()}`}`;
    if (this.#nodes.has(id)) return id;
    this.#put(processNode(id, name, null, null));
    if (by !== null) this.#addFindings(id, name.command ?? null, by.at, null, familyOf(by));
    return id;
  }

  #settleWrite(write: VariableWrite): void {
    const found = this.#processes.find(write, write.at);
    const process = (found === null ? undefined : this.#ids.get(found)) ?? this.#unseen(write, null);
    if (process === null) return;
    const variable = this.#variable(write.name, "windows");
    this.#edge(process, variable, write.isDeleted ? "deleted" : "set", write.at, "user");
    this.#name(variable, write.value, null, write.at);
  }

  #name(variable: string, value: string | null, folder: string | null, at: number | null): void {
    if (value === null) return;
    for (const path of pathsIn(value)) this.#named.push({ variable, path, folder, at });
  }

  #variable(name: string, family: Family): string {
    const id = family === "windows" ? `w:${foldName(name)}` : `v:${name}`;
    return this.#put({ id, kind: "variable", label: name });
  }

  #script(path: string, folder: string | null): string {
    return this.#put({ id: `s:${scriptKey(path, folder)}`, kind: "script", label: path });
  }

  /** The first of an id stays. */
  #put(node: GraphNode): string {
    if (!this.#nodes.has(node.id)) this.#nodes.set(node.id, node);
    return node.id;
  }

  #change(id: string, change: { readonly lists?: boolean; readonly incomplete?: string }): void {
    const node = this.#nodes.get(id);
    if (node?.kind === "process") this.#nodes.set(id, { ...node, ...change });
  }

  /** One of its kind between two nodes: the first in time. */
  #edge(from: string, to: string, kind: EdgeKind, at: number | null, reach: GraphEdge["reach"] = null): void {
    const key = JSON.stringify([from, to, kind, reach]);
    const before = this.#edges.get(key);
    if (before !== undefined && (before.at === null || at === null || before.at <= at)) return;
    this.#edges.set(key, { from, to, kind, at, reach });
  }
}

function processNode(
  id: string,
  { host, pid, image }: ProcessName,
  at: number | null,
  incomplete: string | null,
): GraphNode {
  const label = image === null || image === "" ? "unknown" : programName(image);
  return { id, kind: "process", label, image, host, pid, at, lists: false, incomplete };
}

function familyOf({ log }: ProcessStart): Family {
  return log === "auditd" ? "posix" : "windows";
}
