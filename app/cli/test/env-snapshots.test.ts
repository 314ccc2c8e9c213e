/** `cupel env snapshot`, `diff`, `watch` and `graph`: results for a person and a program, exit statuses, and no value anywhere. */
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { runCommand } from "../src/index.ts";
import { catchingTerminal, cupel, filesUnder, scratch } from "./harness.ts";

const secret = "s3cr3t-VALUE-of-nobody";

test("a snapshot is kept under a key for its owner alone, and no file and no line holds a value", async () => {
  await using folder = await scratch();
  const path = await folder.write(".env", `TOKEN=${secret}\nMODE=$X\n`);
  const [out, key] = [folder.at("a.json"), folder.at("keys", "environment.key")];
  const told = await cupel("env", "snapshot", path, "-o", out, "--key", key);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /TOKEN +22 .*\.env:1 +environment/);
  if (process.platform !== "win32") assert.equal((await stat(key)).mode & 0o777, 0o600);
  const json = await cupel("env", "snapshot", path, "-o", folder.at("b.json"), "--key", key, "--json");
  for (const name of await filesUnder(folder.path)) {
    if (name !== ".env") assert.ok(!(await readFile(folder.at(name), "utf8")).includes(secret), name);
  }
  assert.ok(![told.out, told.err, json.out, json.err].join().includes(secret));
  assert.equal(JSON.parse(json.out).environments[0].variables.length, 2);
});

test("differences have their classes and status 3; keys that differ, later versions and unknown sources their codes", async () => {
  await using folder = await scratch();
  const file = await folder.write("etc/environment", "A=1\nB=2\nC=3\n");
  const [out, key] = [folder.at("a.json"), folder.at("k")];
  await cupel("env", "snapshot", file, "-o", out, "--key", key);
  assert.equal((await cupel("env", "diff", out, file, "--key", key)).status, 0);
  await folder.write("etc/environment", `A=1\nB=${secret}\nD=4\n`);
  const told = await cupel("env", "diff", out, file, "--key", key);
  assert.equal(told.status, 3);
  assert.match(told.err, /error ENV_CHANGED/);
  for (const line of [/only in the first +C +1 +- /, /only in the second +D +- +1 /, /differs +B +1 +22 /])
    assert.match(told.out, line);
  assert.ok(!told.out.includes(secret) && !told.err.includes(secret));
  const { differences } = JSON.parse((await cupel("env", "diff", out, file, "--key", key, "--json")).out);
  assert.equal(differences.length, 3);
  const codes = [
    [await cupel("env", "diff", out, file, "--key", folder.at("other")), /ENV_KEYS_DIFFER/],
    [await cupel("env", "snapshot", folder.at("thing"), "-o", out), /ENV_SOURCE_UNKNOWN/],
    [await cupel("env", "snapshot", folder.at("none.env"), "-o", out), /ENV_SOURCE_UNREADABLE/],
    [await cupel("env", "diff", folder.at("none.json"), file, "--key", key), /FILE_UNREADABLE/],
    [await cupel("env", "snapshot", file), /ARGUMENT_MISSING/],
    [await cupel("env", "snapshot", "-o", out), /ARGUMENT_MISSING/],
  ] as const;
  for (const [{ status, err }, expected] of codes) {
    assert.notEqual(status, 0);
    assert.match(err, expected);
  }
  const later = (await readFile(out, "utf8")).replace('"version": 1', '"version": 2');
  await writeFile(folder.at("later.json"), later);
  assert.match((await cupel("env", "diff", folder.at("later.json"), out)).err, /ENV_SNAPSHOT_NEWER/);
});

test("a watch tells changes as they come, raises a P1 at the third, and has both in the record", async () => {
  await using folder = await scratch();
  const file = await folder.write(".env", "A=0\n");
  await cupel("env", "snapshot", file, "-o", folder.at("before.json"), "--key", folder.at("k"));
  const ending = new AbortController();
  let changes = 0;
  let waiting: Promise<unknown> = Promise.resolve();
  const { terminal, told } = catchingTerminal();
  const status = await runCommand(
    [
      "env",
      "watch",
      file,
      "--interval",
      "50",
      "--since",
      folder.at("before.json"),
      "--key",
      folder.at("k"),
      "--audit",
      folder.at("record"),
      "--quiet",
    ],
    {
      ...terminal,
      async write(text) {
        terminal.out(text);
        if (text.includes("P1: ")) ending.abort();
        else if (text.includes("changed A") || text === "")
          waiting = writeFile(file, `A=${secret.repeat(++changes)}\n`);
        await waiting;
        return true;
      },
    },
    { signal: ending.signal },
  );
  assert.equal(status, 0, told().err);
  const lines = told().out.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.slice(25)),
    ["changed A", "changed A", "changed A", "P1: 3 changes in a row"],
  );
  const journal = (await filesUnder(folder.at("record", "journal")))[0]!;
  const record = await readFile(folder.at("record", "journal", journal), "utf8");
  assert.equal(record.match(/"action":"ENV.CHANGE"/g)?.length, 4);
  assert.ok(record.includes("CRITICAL") && !record.includes(secret) && !told().out.includes(secret));
});

test("a graph has its chains, answers to queries, a diagram, and remarks on what the log lacks", async () => {
  await using folder = await scratch();
  const record = (serial: number, pid: number, ppid: number, args: string) =>
    `type=SYSCALL msg=audit(1.000:${serial}): arch=c000003e syscall=59 success=yes ppid=${ppid} pid=${pid} exe="/bin/sh"\ntype=EXECVE msg=audit(1.000:${serial}): ${args}\n`;
  const hex = Buffer.from(`export HOOK=/tmp/x.sh TOKEN=${secret}; sh x`).toString("hex").toUpperCase();
  const log = await folder.write(
    "audit.log",
    `${record(1, 10, 1, `argc=3 a0="sh" a1="-c" a2=${hex}`)}${record(4, 11, 10, 'argc=3 a0="sh" a1="/tmp/x.sh"')}`,
  );
  const diagram = folder.at("g.mmd");
  const told = await cupel("env", "graph", log, "--mermaid", diagram);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /sh 10 -> HOOK -> \/tmp\/x\.sh -> sh 11 at 1970-01-01T00:00:01\.000Z, by its path/);
  assert.match(told.err, /commands of which a part is missing: 1/);
  assert.match(told.err, /missing, lost or left out by the log's rules: 2/);
  const drawn = await readFile(diagram, "utf8");
  assert.match(drawn, /^flowchart LR\n {2}n0\["sh 10"\]/);
  const page = folder.at("graph.html");
  const setters = await cupel("env", "graph", log, "--query", "setters=TOKEN", "--report", page, "--json");
  const html = await readFile(page, "utf8");
  const data = JSON.parse(/id="env-graph">(.*?)<\/script>/.exec(html)?.[1] ?? "");
  assert.deepEqual(
    data.findings.map(({ kind, nodes }: { kind: string; nodes: number[] }) => [
      kind,
      ...nodes.map((at) => data.nodes[at].label),
    ]),
    [
      ["chain", "sh", "HOOK", "/tmp/x.sh", "sh"],
      ["asked", "sh"],
    ],
  );
  assert.deepEqual(
    JSON.parse(setters.out).found.map(({ pid }: { pid: number }) => pid),
    [10],
  );
  assert.ok(![told.out, setters.out, drawn, html].join().includes(secret));
  assert.match((await cupel("env", "graph")).err, /ARGUMENT_MISSING/);
  assert.match((await cupel("env", "graph", log, "--query", "readers")).err, /OPTION_INVALID/);
  assert.match((await cupel("env", "graph", await folder.write("no.log", "hello\n"))).err, /ENV_LOG_INVALID/);
});
