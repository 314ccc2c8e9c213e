/** `cupel env graph`: who set which variable, and which process or script started with it. */
import { createReadStream } from "node:fs";
import { assertWritable, type CupelError, openRegular, reasonOf, writeFileAtomically } from "@cupel/base";
import { renderEnvGraph } from "@cupel/console";
import {
  actorsOf,
  type CarriedScript,
  carriedScripts,
  collectObservations,
  drawGraph,
  emptySummary,
  GraphBuilder,
  type GraphNode,
  type LogSummary,
  listersOf,
  type ProvenanceGraph,
  parseSourceReference,
  readLog,
  readSources,
  type SourceReference,
} from "@cupel/env-trace";
import { integer, parsed, repeated, text } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { readingOptions, readOptionsOf } from "../../env/environment-options.ts";
import { graphPage } from "../../env/graph-page.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import { visibleLine } from "../../terminal/visible-text.ts";
import type { Command, CommandContext } from "../command.ts";

const traceOption = repeated(
  {
    name: "trace",
    placeholder: "FOLDER",
    summary: "What cupel env trace wrote; repeatable",
  },
  "a folder",
  (given) => (given === "" ? undefined : given),
);
const sourceOption = repeated(
  {
    name: "source",
    placeholder: "SOURCE",
    summary: "What sets variables for all, as env snapshot takes it, such as user.reg; repeatable",
  },
  "a source, KIND:PLACE",
  (given) => (given === "" ? undefined : parseSourceReference(given)),
);
const queryOption = parsed(
  {
    name: "query",
    placeholder: "QUERY",
    summary:
      "carried-scripts: chains that carry a variable naming a script which then runs; readers=NAME, setters=NAME; listers: processes that list everything",
    fallback: "carried-scripts",
  },
  "carried-scripts, listers, readers=NAME or setters=NAME",
  (given) => {
    const [, kind = "", name] =
      /^(carried-scripts|listers|readers|setters)(?:=([\s\S]+))?$/.exec(given) ?? [];
    const isNamed = kind === "readers" || kind === "setters";
    return kind !== "" && isNamed === (name !== undefined) ? { kind, name: name ?? "" } : undefined;
  },
);
const mermaidOption = text({
  name: "mermaid",
  placeholder: "FILE",
  summary: "Where a diagram for Mermaid goes",
});
const reportOption = text({
  name: "report",
  placeholder: "FILE",
  summary: "Where a page for the browser goes: the graph as a drawing, with what was found",
});
const nodesOption = integer({
  name: "most-nodes",
  placeholder: "N",
  min: 1,
  value: 100,
  summary: "Nodes that the diagram has at most",
});

export const envGraphCommand: Command = {
  description:
    "Logs are those of the Linux audit daemon, and events of Windows as XML (wevtutil qe LOG /f:xml): Security 4688, 4689, 4657 and Sysmon 1, 5, 12, 13. What each command does with variables is read from its text: PowerShell with its encoded " +
    "commands, cmd, shells of Unix. Values and command lines are in no result; a variable that names a script shows the path of that script. --json has the whole graph.",
  operands: [{ name: "LOG", summary: "Of processes", optional: true, repeats: true }],
  options: [
    traceOption,
    sourceOption,
    queryOption,
    mermaidOption,
    nodesOption,
    reportOption,
    ...Object.values(readingOptions),
  ],
  examples: [
    { line: "cupel env graph audit.log --mermaid graph.mmd", says: "of Linux, with a diagram" },
    { line: "cupel env graph audit.log --report graph.html", says: "as a page" },
    { line: "cupel env graph sysmon.xml --source user.reg", says: "of Windows, with what the registry sets" },
    { line: "cupel env graph audit.log --query readers=AWS_SECRET_ACCESS_KEY", says: "who reads a variable" },
  ],
  async run(given, context) {
    const traces = given.get(traceOption);
    const sources = given.get(sourceOption);
    if (given.operands.length === 0 && traces.length === 0) throw noInput();
    const page = given.get(reportOption);
    if (page !== undefined) await assertWritable([page]);
    const builder = new GraphBuilder();
    const logs: (LogSummary & { readonly log: string })[] = [];
    for (const path of given.operands) logs.push({ log: path, ...(await addLog(builder, path, context)) });
    for (const path of traces) await addTrace(builder, path, context);
    await addSources(builder, sources, given, context);
    const graph = builder.build();
    for (const sentence of remarksOn(logs, graph)) context.remark(sentence);
    const query = given.get(queryOption) ?? { kind: "carried-scripts", name: "" };
    const chains = query.kind === "carried-scripts" ? carriedScripts(graph) : null;
    const nodes = chains === null ? nodesOf(graph, query) : [];
    const file = given.get(mermaidOption);
    if (file !== undefined) {
      // The chains come first; a graph without any is drawn as it is.
      const ids =
        chains === null || chains.length === 0
          ? undefined
          : [...new Set(chains.flatMap(({ chain }) => chain))];
      const drawn = drawGraph(graph, { mostNodes: given.get(nodesOption), ids });
      await writeFileAtomically(file, drawn.text);
      if (drawn.leftOut > 0)
        context.remark(`The diagram leaves out ${numberOf(drawn.leftOut, "node")}: --most-nodes.`);
    }
    if (page !== undefined) {
      const document = graphPage(graph, {
        inputs: [...given.operands, ...traces, ...sources.map(({ kind, place }) => `${kind}:${place}`)],
        madeAt: new Date(context.clock.now()).toISOString(),
        chains: chains ?? carriedScripts(graph),
        asked: chains === null ? { question: questionOf(query), nodes } : null,
      });
      await writeFileAtomically(page, await renderEnvGraph(document), { signal: context.signal });
    }
    const counts = Map.groupBy(graph.nodes, ({ kind }) => kind);
    const sentence =
      `${numberOf(counts.get("process")?.length ?? 0, "process")}, ${numberOf(counts.get("script")?.length ?? 0, "script")}, ${numberOf(counts.get("variable")?.length ?? 0, "variable")}.`.replace(
        /\bprocesss\b/g,
        "processes",
      );
    return {
      json: {
        logs,
        query: query.kind,
        chains: chains ?? [],
        found: nodes,
        nodes: graph.nodes,
        edges: graph.edges,
        leftOut: graph.leftOut,
      },
      text: [chains === null ? nodeText(nodes) : chainText(graph, chains), "", sentence].join("\n"),
    };
  },
};

async function addLog(builder: GraphBuilder, path: string, { signal }: CommandContext): Promise<LogSummary> {
  const summary = { ...emptySummary("auditd") };
  for await (const event of readLog(await openLog(path, signal), path, summary)) builder.addEvent(event);
  return summary;
}

async function addTrace(builder: GraphBuilder, folder: string, { remark }: CommandContext): Promise<void> {
  const { observations, broken } = await collectObservations(folder);
  for (const observation of observations) builder.addObservation(observation);
  if (broken > 0) remark(`${folder}: lines that are no observations: ${broken}.`);
}

async function addSources(
  builder: GraphBuilder,
  references: readonly SourceReference[],
  given: Given,
  { remark }: CommandContext,
): Promise<void> {
  if (references.length === 0) return;
  const reading = await readSources(references, readOptionsOf(given));
  for (const sentence of reading.remarks) remark(sentence);
  builder.addSources(reading);
}

/** @throws FILE_UNREADABLE */
async function openLog(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  try {
    const file = await openRegular(path);
    return createReadStream(path, { fd: file, signal, highWaterMark: 2 ** 16 });
  } catch (thrown) {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the log ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file: path },
    });
  }
}

function noInput(): CupelError {
  return cliErrors.error(
    "ARGUMENT_MISSING",
    "LOG is missing: name a log of processes, or a trace with --trace. See --help.",
    { details: { argument: "LOG" } },
  );
}

function remarksOn(
  logs: readonly (LogSummary & { readonly log: string })[],
  { leftOut }: ProvenanceGraph,
): string[] {
  const told = logs.flatMap(({ log, malformed, firstMalformed, incomplete, failed, missingEvents, late }) => {
    const facts = [
      [malformed, `records that cannot be read: ${malformed}, the first at ${firstMalformed ?? "its end"}`],
      [incomplete, `commands of which a part is missing: ${incomplete}`],
      [failed, `programs that could not be started: ${failed}`],
      [
        missingEvents,
        `events whose numbers are missing, lost or left out by the log's rules: ${missingEvents}`,
      ],
      [late, `records that came too late for their event: ${late}`],
    ] as const;
    return facts.filter(([count]) => count > 0).map(([, fact]) => `${log}: ${fact}.`);
  });
  return leftOut === 0 ? told : [...told, `The graph is full: ${numberOf(leftOut, "record")} left out.`];
}

function nodesOf(
  graph: ProvenanceGraph,
  { kind, name }: { readonly kind: string; readonly name: string },
): GraphNode[] {
  if (kind === "listers") return listersOf(graph);
  return actorsOf(graph, name, kind === "readers" ? "read" : "set");
}

function questionOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return kind === "listers" ? "list the whole environment" : `${kind === "readers" ? "read" : "set"} ${name}`;
}

function nodeText(nodes: readonly GraphNode[]): string {
  if (nodes.length === 0) return "None is found.";
  return tableText([
    ["kind", "name", "process", "started"],
    ...nodes.map((node) => [
      node.kind,
      node.label,
      node.kind === "process" ? String(node.pid ?? "-") : "-",
      node.kind === "process" && node.at !== null ? new Date(node.at).toISOString() : "-",
    ]),
  ]);
}

function chainText(graph: ProvenanceGraph, chains: readonly CarriedScript[]): string {
  if (chains.length === 0) return "No variable is found that names a script which then runs.";
  const labels = new Map(
    graph.nodes.map((node) => [
      node.id,
      node.kind === "process" && node.pid !== null ? `${node.label} ${node.pid}` : node.label,
    ]),
  );
  return chains
    .map(({ chain, ranAt, how }) => {
      const time = ranAt === null ? "" : ` at ${new Date(ranAt).toISOString()}`;
      return visibleLine(
        `${chain.map((id) => labels.get(id) ?? id).join(" -> ")}${time}, ${how === "by-variable" ? "by the variable's name" : "by its path"}`,
      );
    })
    .join("\n");
}
