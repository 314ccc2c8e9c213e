// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells write their variables so
/** The provenance graph: chains, what a trace adds, and its diagram. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  actorsOf,
  carriedScripts,
  collectObservations,
  drawGraph,
  emptySummary,
  GraphBuilder,
  listersOf,
  neighbourhood,
  type Observation,
  type ProcessEvent,
  type ProvenanceGraph,
  readLog,
} from "@cupel/env-trace";
import { sysmon, xml } from "./support/windows-events.ts";

const encoded = (script: string) => Buffer.from(script, "utf16le").toString("base64");

/** In pieces, which end anywhere. */
async function* chunked(bytes: Uint8Array, size = 777): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(content: string | Uint8Array, size?: number) {
  const summary = { ...emptySummary("auditd") };
  const events: ProcessEvent[] = [];
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  for await (const event of readLog(chunked(bytes, size), "a log", summary)) events.push(event);
  return { events, summary };
}

function graphOf(events: readonly ProcessEvent[]): ProvenanceGraph {
  const builder = new GraphBuilder();
  for (const event of events) builder.addEvent(event);
  return builder.build();
}

/** Words instead of ids. */
function wordsOf(graph: ProvenanceGraph): string[] {
  const labels = new Map(graph.nodes.map((node) => [node.id, node.label]));
  return graph.edges.map(({ from, to, kind }) => `${labels.get(from)} ${kind} ${labels.get(to)}`).sort();
}

const call = (serial: number, pid: number, ppid: number, exe: string, at = 100) =>
  `type=SYSCALL msg=audit(${at}.000:${serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=${ppid} pid=${pid} comm="x" exe="${exe}" key=(null)\n`;
const exec = (serial: number, args: string, at = 100) =>
  `type=EXECVE msg=audit(${at}.000:${serial}): ${args}\n`;
const hex = (text: string) => Buffer.from(text).toString("hex").toUpperCase();

test("a variable that names a script which then runs is a chain; one that does not reach it is none", async () => {
  const log =
    call(1, 10, 1, "/bin/sh") +
    exec(1, `argc=3 a0="sh" a1="-c" a2=${hex("export HOOK=/tmp/x.sh; ./child")}`) +
    call(2, 11, 10, "/bin/bash", 101) +
    exec(2, 'argc=2 a0="bash" a1="/tmp/x.sh"', 101) +
    call(3, 99, 1, "/bin/bash", 102) +
    exec(3, 'argc=2 a0="bash" a1="/tmp/x.sh"', 102) +
    call(4, 12, 11, "/usr/bin/env", 103) +
    exec(4, 'argc=1 a0="env"', 103);
  const graph = graphOf((await read(log)).events);
  const chains = carriedScripts(graph);
  assert.deepEqual(
    chains.map(({ variable, script, how, chain }) => ({ variable, script, how, nodes: chain.length })),
    [{ variable: "v:HOOK", script: "s:/tmp/x.sh", how: "by-path", nodes: 4 }],
  );
  assert.deepEqual(
    listersOf(graph).map(({ label }) => label),
    ["env"],
  );
  assert.deepEqual(
    actorsOf(graph, "HOOK", "set").map(({ label }) => label),
    ["sh"],
  );
  assert.ok(!JSON.stringify(graph).includes("export"), "no command line is in it");
  const windows =
    sysmon("2026-01-01T00:00:00Z", "A", "0", "C:\\cmd.exe", "cmd /c setx PAYLOAD C:\\Tmp\\A.ps1") +
    xml("Microsoft-Windows-Sysmon", 13, "2026-01-01T00:00:01Z", {
      EventType: "SetValue",
      ProcessGuid: "A",
      Image: "C:\\cmd.exe",
      TargetObject: "HKU\\S-1-5-21-1\\Environment\\SECRET",
      Details: "hush-hush",
    }) +
    sysmon(
      "2026-01-01T00:00:05Z",
      "C",
      "B",
      "C:\\powershell.exe",
      `powershell -enc ${encoded("IEX (gc $env:payload)")}`,
      { CurrentDirectory: "C:\\tmp" },
    ) +
    sysmon("2026-01-01T00:00:06Z", "D", "B", "C:\\powershell.exe", "powershell -File .\\a.ps1", {
      CurrentDirectory: "C:\\tmp\\",
    });
  const found = graphOf((await read(windows)).events);
  assert.deepEqual(
    carriedScripts(found).map(({ how, script, ranAt }) => [how, script, ranAt]),
    [
      ["by-variable", "s:c:\\tmp\\a.ps1", Date.parse("2026-01-01T00:00:05Z")],
      ["by-path", "s:c:\\tmp\\a.ps1", Date.parse("2026-01-01T00:00:06Z")],
    ],
  );
  assert.deepEqual(
    actorsOf(found, "secret", "set").map(({ label }) => label),
    ["cmd"],
  );
  assert.ok(!JSON.stringify(found).includes("hush"));
});

test("the trace joins the graph: packages, children and what they get; what was denied did not happen", async () => {
  const one = (
    kind: Observation["kind"],
    key: string | null,
    name: string,
    more: Partial<Observation> = {},
  ): Observation => ({
    at: 5,
    pid: 3,
    thread: 0,
    kind,
    key,
    package: name,
    caller: null,
    class: "package",
    file: null,
    line: null,
    denied: false,
    count: 1,
    command: null,
    child: null,
    ...more,
  });
  const observations = [
    one("read", "TOKEN", "thief"),
    one("read", "OTHER", "thief", { denied: true }),
    one("write", "NODE_OPTIONS", "setter"),
    one("inherit", "TOKEN", "program", { child: 4 }),
    one("enumerate", null, "thief"),
  ];
  await using folder = await openTemporaryFolder("trace");
  await writeFile(
    join(folder.path, "3.jsonl"),
    observations.map((each) => `${JSON.stringify(each)}\n`).join(""),
  );
  const builder = new GraphBuilder();
  for (const each of (await collectObservations(folder.path)).observations) builder.addObservation(each);
  const graph = builder.build();
  assert.deepEqual(wordsOf(graph), [
    "TOKEN read-by thief",
    "node loaded setter",
    "node loaded thief",
    "node passed TOKEN",
    "node started node",
    "setter set NODE_OPTIONS",
  ]);
  assert.equal(listersOf(graph).length, 1);
});

test("no name breaks the diagram, and it has an end", () => {
  const hostile = [
    'a"]; click n0 call alert()',
    "%%{init: {}}%%",
    "end",
    "x\ny",
    "`md`",
    "C:\\new <b>&amp;#35;",
    "\u202eabc",
    "{{a}} | [b]",
  ];
  const builder = new GraphBuilder();
  builder.addEvent({
    kind: "start",
    log: "auditd",
    at: 1,
    host: "",
    pid: 1,
    guid: null,
    image: hostile[0]!,
    folder: null,
    incomplete: null,
    parent: { host: "", pid: null, guid: null, image: null, command: null },
    command: {
      kind: "arguments",
      arguments: ["env", ...hostile.map((name, i) => `${name.replaceAll("=", "")}${i}=1`), "true"],
    },
  });
  const { text, leftOut } = drawGraph(builder.build());
  assert.equal(leftOut, 0);
  const [first, ...lines] = text.trimEnd().split("\n");
  assert.equal(first, "flowchart LR");
  for (const each of lines) {
    assert.match(
      each,
      /^ {2}n\d+(\[|\(\[)"(?:[\p{L}\p{N}\p{M} ._\-/:@+()\u2026\u25a1]|#\d+;)*"(\]|\]\))$|^ {2}n\d+ -->\|"[a-z ]+"\| n\d+$/u,
    );
  }
  assert.ok(!/[`%<>&]/.test(text.replaceAll(/-->/g, "")));
  assert.equal(drawGraph(builder.build(), { mostNodes: 3 }).leftOut, hostile.length + 1 - 3);
  const small = new GraphBuilder(2);
  for (let pid = 1; pid <= 5; pid++) {
    small.addEvent({
      kind: "start",
      log: "auditd",
      at: pid,
      host: "",
      pid,
      guid: null,
      image: "x",
      folder: null,
      incomplete: null,
      parent: { host: "", pid: null, guid: null, image: null, command: null },
      command: null,
    });
  }
  assert.deepEqual([small.build().nodes.length, small.build().leftOut], [2, 3]);
});

test("around what was found is what it did with variables before what it started; then all others, up to so many", () => {
  const node = (id: string) => ({ id, kind: "script" as const, label: id });
  const edge = (from: string, to: string, kind: "started" | "set") => ({
    from,
    to,
    kind,
    at: null,
    reach: null,
  });
  const graph: ProvenanceGraph = {
    nodes: ["alone", "a", "b", "c", "d", "e"].map(node),
    edges: [
      edge("a", "b", "started"),
      edge("b", "d", "set"),
      edge("a", "c", "set"),
      edge("e", "a", "started"),
      edge("c", "a", "set"),
    ],
    leftOut: 0,
  };
  assert.deepEqual(neighbourhood(graph, ["a"], 10), ["a", "c", "b", "e", "d", "alone"]);
  assert.deepEqual(neighbourhood(graph, ["a"], 3), ["a", "c", "b"]);
  assert.deepEqual(neighbourhood(graph, [], 10), ["b", "d", "a", "c", "e", "alone"]);
});
