// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells write their variables so
/** Logs of processes, of auditd and of Windows: on small cases of their own, and on logs of others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  carriedScripts,
  emptySummary,
  GraphBuilder,
  type ProcessEvent,
  type ProvenanceGraph,
  readLog,
  readSources,
} from "@cupel/env-trace";
import { auditNumber, auditText, parseAuditRecord } from "../src/graph/logs/audit-record.ts";
import { argumentsOf } from "../src/graph/logs/auditd.ts";
import { suiteFolder } from "./support/suite.ts";
import { security, sysmon, xml } from "./support/windows-events.ts";

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
