// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells write their variables so
/** Logs of processes, what commands do with variables, and the graph of both: on small cases of their own, and on logs of others. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openTemporaryFolder } from "@cupel/base";
import {
  actorsOf,
  carriedScripts,
  collectObservations,
  drawGraph,
  emptySummary,
  GraphBuilder,
  listersOf,
  type Observation,
  type ProcessEvent,
  type ProvenanceGraph,
  readLog,
  readSources,
} from "@cupel/env-trace";
import { auditNumber, auditText, parseAuditRecord } from "../src/graph/logs/audit-record.ts";
import { argumentsOf } from "../src/graph/logs/auditd.ts";
import { suiteFolder } from "./support/suite.ts";

const code = (expected: string) => ({ code: expected });

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

const startsOf = (events: readonly ProcessEvent[]) => events.filter((event) => event.kind === "start");
const argsOf = (event: ProcessEvent | undefined) =>
  event?.kind === "start" && event.command?.kind === "arguments" ? event.command.arguments : null;

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

test("EXECVE: hexadecimal only without quotes, arguments in pieces and in several records, fewer than argc", async () => {
  const { events, summary } = await read(
    call(1, 10, 1, "/bin/a") +
      exec(1, `argc=4 a0="a" a1="DEADBEEF" a2=${hex("two words")} a3=""`) +
      exec(2, `argc=3 a0="b" a1_len=8 a1[0]=${hex("four")}`) +
      exec(2, `a1[1]="more" a2="end"`) +
      exec(3, `argc=4294967295 a0="c" a1="x"`) +
      exec(4, `argc=2 a0="d" a1="cut of`) +
      exec(5, `argc=2 a1="one" a0=${hex("ÿ")}`) +
      call(6, 11, 1, "/bin/e").replace("success=yes", "success=no") +
      exec(6, 'argc=1 a0="e"'),
  );
  assert.deepEqual(events.map(argsOf), [
    ["a", "DEADBEEF", "two words", ""],
    ["b", "fourmore", "end"],
    ["c", "x"],
    ["d", "cut of"],
    ["ÿ", "one"],
  ]);
  assert.deepEqual(
    startsOf(events).map(({ incomplete }) => incomplete),
    [null, null, "2 of 4294967295 arguments were told", "an argument is cut off", null],
  );
  assert.deepEqual([summary.incomplete, summary.failed, summary.malformed], [2, 1, 0]);
});

test("records out of order, late and missing, of several machines, of the kernel's own print; lines that are none", async () => {
  const held = call(20, 12, 1, "/bin/a", 200);
  const { events, summary } = await read(
    `${call(10, 10, 1, "/bin/a")}node=other ${exec(10, 'argc=1 a0="of another"')}${call(12, 11, 1, "/bin/b")}${exec(12, 'argc=1 a0="b"')}${exec(10, 'argc=1 a0="a"')}` +
      `nonsense\r\n${held}${exec(20, 'argc=1 a0="last"', 200)}${exec(12, 'a1="late"')}audit: type=1309 audit(200.000:21): argc=1 a0="print"\ntype=EOE msg=audit(200.000:21):\n`,
    5,
  );
  assert.deepEqual(
    startsOf(events)
      .map((event) => `${event.host}:${argsOf(event)?.join(" ")}`)
      .sort(),
    [":a", ":b", ":last", ":print", "other:of another"],
  );
  assert.deepEqual([summary.malformed, summary.firstMalformed, summary.late], [1, "line 6", 1]);
  // 11, and 13 to 19.
  assert.equal(summary.missingEvents, 8);
  await assert.rejects(read("hello\nworld\n"), code("ENV_LOG_INVALID"));
  await assert.rejects(read(""), code("ENV_LOG_INVALID"));
  await assert.rejects(
    read(`type=EXECVE msg=audit(1.000:1): a0="${"x".repeat(2 ** 21)}`, 2 ** 16),
    code("ENV_LOG_TOO_LARGE"),
  );
});

test("logs of auditd that others keep agree with their golden files", {
  skip: suiteFolder.skip,
}, async () => {
  let compared = 0;
  for (const name of [
    "audit-rhel6",
    "audit-rhel7",
    "audit-ubuntu14",
    "audit-ubuntu16",
    "audit-ubuntu17",
    "test2",
    "test3",
  ]) {
    const golden: readonly ({
      record_type: string;
      sequence: number;
      "@timestamp": string;
      raw_msg: string;
      data: Record<string, string>;
    } | null)[] = JSON.parse(
      suiteFolder.read("auditd", "auparse", "testdata", `${name}.log.golden`).toString(),
    );
    for (const expected of golden) {
      if (!expected?.raw_msg?.startsWith("audit(")) continue;
      const record = parseAuditRecord(`type=${expected.record_type.toUpperCase()} msg=${expected.raw_msg}`);
      assert.ok(record !== null, expected.raw_msg);
      assert.deepEqual([record.serial, record.at], [expected.sequence, Date.parse(expected["@timestamp"])]);
      const { data } = expected;
      if (expected.record_type === "execve") {
        const args = Array.from({ length: Number(data.argc) }, (_, i) => data[`a${i}`]);
        assert.deepEqual(argumentsOf([record]), { args, incomplete: null });
        compared++;
      }
      if (expected.record_type === "syscall") {
        assert.deepEqual(
          [auditNumber(record.fields.get("pid")), auditNumber(record.fields.get("ppid"))],
          [Number(data.pid), Number(data.ppid)],
        );
        assert.deepEqual(
          [auditText(record.fields.get("exe"))?.text, auditText(record.fields.get("comm"))?.text],
          [data.exe, data.comm],
        );
        compared++;
      }
      if (expected.record_type === "proctitle") {
        assert.equal(auditText(record.fields.get("proctitle"))?.text.replaceAll("\0", " "), data.proctitle);
        compared++;
      }
      if (expected.record_type === "cwd") {
        assert.equal(auditText(record.fields.get("cwd"))?.text, data.cwd);
        compared++;
      }
    }
  }
  assert.ok(compared >= 25, String(compared));
});

test("normal, out of order and with events lost, the log gives the same programs", {
  skip: suiteFolder.skip,
}, async () => {
  const found = await Promise.all(
    ["normal.log", "out_of_order.log", "lost_messages.log"].map((name) =>
      read(suiteFolder.read("auditd", name)),
    ),
  );
  const expected = [
    { args: ["grep", "--color=auto", "mapping"], pid: 13393, parent: 12041, folder: "/home/andrew_kroh" },
    { args: ["cat", "securitybeat"], pid: 13392, parent: 12041, folder: "/home/andrew_kroh" },
  ];
  for (const { events } of found) {
    assert.deepEqual(
      startsOf(events).map((event) => ({
        args: argsOf(event),
        pid: event.pid,
        parent: event.parent.pid,
        folder: event.folder,
      })),
      expected,
    );
  }
  // Serials 50 to 58 are not in the third.
  assert.deepEqual(
    found.map(({ summary }) => summary.missingEvents),
    [0, 0, 9],
  );
  const graph = graphOf(found[0]!.events);
  assert.deepEqual(wordsOf(graph), ["unknown started cat", "unknown started grep"]);
});

const xml = (provider: string, id: number, time: string, data: Record<string, string>, host = "PC") =>
  `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="${provider}"/><EventID>${id}</EventID><TimeCreated SystemTime="${time}"/><Computer>${host}</Computer></System><EventData>${Object.entries(
    data,
  )
    .map(
      ([name, value]) =>
        `<Data Name="${name}">${value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</Data>`,
    )
    .join("")}</EventData></Event>\n`;
const security = (
  time: string,
  pid: string,
  parent: string,
  image: string,
  more: Record<string, string> = {},
) =>
  xml("Microsoft-Windows-Security-Auditing", 4688, time, {
    NewProcessId: pid,
    ProcessId: parent,
    NewProcessName: image,
    ...more,
  });
const sysmon = (
  time: string,
  guid: string,
  parent: string,
  image: string,
  line: string,
  more: Record<string, string> = {},
) =>
  xml("Microsoft-Windows-Sysmon", 1, time, {
    ProcessGuid: `{${guid}}`,
    ProcessId: "7",
    Image: image,
    CommandLine: line,
    ParentProcessGuid: parent,
    ...more,
  });

test("events of Windows: pairs by number and time, newest first, empty command lines, numbers that come again", async () => {
  const cmd = "C:\\Windows\\System32\\cmd.exe";
  const events = [
    security("2026-01-01T00:00:00Z", "0x10", "0x4", cmd, { CommandLine: "" }),
    xml("Microsoft-Windows-Security-Auditing", 4689, "2026-01-01T00:01:00Z", {
      ProcessId: "0x10",
      ProcessName: cmd,
    }),
    security("2026-01-01T00:02:00Z", "0x10", "0x4", "C:\\x\\other.exe"),
    security("2026-01-01T00:00:30Z", "0x20", "0x10", "C:\\x\\first.exe", {
      ParentProcessName: cmd,
      CommandLine: "first.exe",
    }),
    security("2026-01-01T00:02:30Z", "0x30", "0x10", "C:\\x\\second.exe"),
    security("2026-01-01T00:03:00Z", "0x40", "0x99", "C:\\x\\third.exe", {
      ParentProcessName: "C:\\x\\gone.exe",
    }),
  ];
  const expected = [
    "cmd started first",
    "gone started third",
    "other started second",
    "unknown started cmd",
    "unknown started other",
  ];
  for (const order of [events, events.toReversed()]) {
    const { events: found, summary } = await read(order.join(""), 100);
    assert.deepEqual([summary.records, summary.malformed], [6, 0]);
    assert.deepEqual(wordsOf(graphOf(found)), expected);
  }
  const both =
    security("2026-01-01T00:00:00.400Z", "0x7", "0x4", "C:\\x\\a.exe") +
    sysmon("2026-01-01T00:00:00Z", "AA", "BB", "C:\\X\\a.exe", "a.exe");
  assert.equal(graphOf((await read(both)).events).nodes.filter((node) => node.label === "a").length, 1);
});

test("events of Windows that are broken are told with their line, and take no other with them; entities do not expand", async () => {
  const good = sysmon("2026-01-01T00:00:00Z", "A", "B", "C:\\a.exe", "a & <b>");
  const bomb = `<!DOCTYPE x [<!ENTITY a "${"x".repeat(10)}">]>`;
  const { events, summary } = await read(
    `\ufeff<?xml version="1.0"?>\n${bomb}\n<Events>\nRecord 1\n${good.slice(0, 300)}\n${good}<Event><System></Event>\n${good.replace("a &amp;", "&a;")}${good.replace("<EventID>1</EventID>", "")}${good.replace(/<TimeCreated[^>]*>/, "")}</Events>`,
  );
  assert.deepEqual([events.length, summary.records, summary.malformed], [1, 1, 5]);
  assert.match(summary.firstMalformed ?? "", /line 5/);
  assert.deepEqual(startsOf(events)[0]?.command, { kind: "line", line: "a & <b>" });
  const wide = await read(Buffer.from(`\ufeff${good}`, "utf16le"), 101);
  assert.equal(wide.events.length, 1);
  await assert.rejects(read("<Events></Events>"), code("ENV_LOG_INVALID"));
  await assert.rejects(read(`<Event>${"x".repeat(2 ** 21)}`, 2 ** 16), code("ENV_LOG_TOO_LARGE"));
});

test("Sysmon's events that others keep give the processes, their parents and scripts that are in them", {
  skip: suiteFolder.skip,
}, async () => {
  const text = gunzipSync(suiteFolder.read("windows-events", "sysmon-1-12-13.xml.gz")).toString();
  const { events, summary } = await read(text, 65_536);
  assert.deepEqual([summary.records, summary.malformed, startsOf(events).length], [259, 0, 227]);
  const graph = graphOf(events);
  // By regular expressions over the text alone.
  const creations = text.split("<Event xmlns").filter((each) => each.includes("<EventID>1</EventID>"));
  const member = (event: string, name: string) =>
    new RegExp(`<Data Name="${name}">([^<]*)`).exec(event)?.[1] ?? "";
  const guids = new Set(creations.map((event) => member(event, "ProcessGuid")));
  const pairs = new Set(
    creations.map((event) => `${member(event, "ParentProcessGuid")} ${member(event, "ProcessGuid")}`),
  );
  const seen = creations.filter((event) => guids.has(member(event, "ParentProcessGuid"))).length;
  const processes = new Map(
    graph.nodes.filter((node) => node.kind === "process").map((node) => [node.id, node]),
  );
  const started = graph.edges.filter(({ kind }) => kind === "started");
  assert.equal(started.length, pairs.size);
  assert.equal(started.filter(({ from }) => processes.get(from)?.at !== null).length, seen);
  assert.ok(seen >= 20, String(seen));
  const ran = wordsOf(graph).filter((words) => words.includes(" ran "));
  assert.ok(ran.includes("cmd ran C:\\Windows\\TEMP\\update.bat"), ran.join("\n"));
  assert.ok(ran.some((words) => words.includes("suspend-vm-default.bat")));
  // With what the registry of the suite sets, nothing of it runs here.
  const builder = new GraphBuilder();
  for (const event of events) builder.addEvent(event);
  builder.addSources(
    await readSources([{ kind: "registry", place: suiteFolder.path("registry", "environment-unicode.reg") }]),
  );
  for (const event of (
    await read(
      sysmon(
        "2026-01-01T00:00:00Z",
        "X1",
        "X0",
        "C:\\powershell.exe",
        'powershell "IEX (gc $env:MY_PAYLOAD)"',
      ),
    )
  ).events)
    builder.addEvent(event);
  const [chain, ...others] = carriedScripts(builder.build());
  assert.deepEqual(
    [others.length, chain?.how, chain?.variable, chain?.script],
    [0, "by-variable", "w:MY_PAYLOAD", "s:c:\\tmp\\a.ps1"],
  );
});

const encoded = (script: string) => Buffer.from(script, "utf16le").toString("base64");

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
