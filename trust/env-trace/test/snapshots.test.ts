/** Snapshots: what they hold and what they do not, what is refused, and two compared in three classes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  diffSnapshots,
  formatSnapshot,
  parseSnapshot,
  parseSnapshotKey,
  parseSourceReference,
  readSources,
  type Snapshot,
  takeSnapshot,
} from "@cupel/env-trace";
import { suiteFolder } from "./support/suite.ts";

const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
const key = Buffer.alloc(32, 7);
const code = (expected: string) => ({ code: expected });

async function snapshotOf(own: Record<string, string>, under = key): Promise<Snapshot> {
  return takeSnapshot(await readSources([{ kind: "self", place: "self" }], { own }), under, clock);
}
const namesOf = (found: ReturnType<typeof diffSnapshots>) =>
  found.differences.map((each) => [each.class, each.name]);

test("a snapshot has names, lengths and hashes under a key, and no value", async () => {
  const secret = "s3cr3t-VALUE-of-nobody";
  const own = { TOKEN: secret, EMPTY: "", UMLAUT: "ä" };
  const snapshot = await snapshotOf(own);
  const text = formatSnapshot(snapshot);
  for (const form of [
    secret,
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("hex"),
    secret.toLowerCase(),
  ]) {
    assert.ok(!text.includes(form) && !JSON.stringify(snapshot).includes(form), form);
  }
  const [environment] = snapshot.environments;
  assert.deepEqual(
    environment?.variables.map(({ name, length }) => [name, length]),
    [
      ["EMPTY", 0],
      ["TOKEN", 22],
      ["UMLAUT", 2],
    ],
  );
  const expected = createHmac("sha256", key).update(`TOKEN\0${secret}`).digest("hex");
  assert.equal(environment?.variables[1]?.digest, expected);
  assert.deepEqual(parseSnapshot(text, "x"), snapshot);
  // It is not a view of what it was taken of.
  own.TOKEN = "other";
  assert.equal(environment?.variables[1]?.digest, expected);
  assert.throws(() => Object.assign(environment?.variables[1] ?? {}, { name: "X" }), TypeError);
});

test("what is no snapshot, of a later version, or under another key, is refused by its code", async () => {
  const text = formatSnapshot(await snapshotOf({ A: "1" }));
  const changed = (change: (document: Record<string, unknown>) => void) => {
    const document: Record<string, unknown> = JSON.parse(text);
    change(document);
    return JSON.stringify(document);
  };
  assert.throws(
    () =>
      parseSnapshot(
        changed((each) => Object.assign(each, { version: 2, more: 1 })),
        "x",
      ),
    code("ENV_SNAPSHOT_NEWER"),
  );
  const invalid = [
    "",
    "[]",
    "null",
    text.slice(0, -20),
    changed((each) => Object.assign(each, { format: "other" })),
    changed((each) => Object.assign(each, { keyId: "x" })),
    changed((each) => Object.assign(each, { takenAt: "2026-99-99T00:00:00.000Z" })),
    text.replace(/"digest": "[0-9a-f]+"/, '"digest": "00"'),
    text.replace(/"length": 1/, '"computed": "x"'),
    text.replace(/"source": 0/, '"source": 9'),
  ];
  for (const each of invalid)
    assert.throws(() => parseSnapshot(each, "x"), code("ENV_SNAPSHOT_INVALID"), each);
  const other = await snapshotOf({ A: "1" }, randomBytes(32));
  assert.throws(() => diffSnapshots(parseSnapshot(text, "x"), other), code("ENV_KEYS_DIFFER"));
  assert.throws(() => parseSnapshotKey("short", "x"), code("ENV_KEY_INVALID"));
  assert.deepEqual(parseSnapshotKey(`${key.toString("base64")}\n`, "x"), key);
  await assert.rejects(snapshotOf({}, Buffer.alloc(3)), code("ENV_KEY_INVALID"));
});

test("persistent against live: only persistent, only live, differs, and what is computed is not guessed", async () => {
  await using folder = await openTemporaryFolder("env");
  const at = (name: string) => join(folder.path, name);
  await writeFile(at("environment"), "A=1\nB=2\nC=3\nD=4\nGONE=x\n");
  await writeFile(at("profile"), "export B=changed C=$(date) E='5'\nunset GONE\n");
  const persistent = takeSnapshot(
    await readSources([
      { kind: "environment", place: at("environment") },
      { kind: "profile", place: at("profile") },
    ]),
    key,
    clock,
  );
  const live = await snapshotOf({ A: "1", B: "2", C: "now", E: "5", F: "6" });
  const found = diffSnapshots(persistent, live);
  assert.deepEqual(namesOf(found).sort(), [
    ["differs", "B"],
    ["only-first", "D"],
    ["only-second", "F"],
  ]);
  assert.deepEqual([found.same, found.unknown], [2, ["C"]]);
  assert.deepEqual([persistent.state, live.state], ["persistent", "live"]);
});

test("a unit with drop-ins and files, containers as environments of their own", async () => {
  await using folder = await openTemporaryFolder("env");
  const at = (...names: string[]) => join(folder.path, ...names);
  await mkdir(at("web.service.d"));
  await mkdir(at("etc"));
  await writeFile(
    at("web.service"),
    "[Service]\nEnvironment=A=1 B=2 X=unset Y=stays\nEnvironmentFile=-/etc/none\nEnvironmentFile=/etc/*.conf\nUnsetEnvironment=X Y=other\n",
  );
  await writeFile(at("web.service.d", "20.conf"), "[Service]\nEnvironment=B=two C=3\n");
  await writeFile(at("web.service.d", "10.conf"), "[Service]\nEnvironment=C=first\n");
  await writeFile(at("etc", "b.conf"), "A=file\n");
  await writeFile(at("etc", "a.conf"), "A=earlier\nD=4\n");
  const read = (kind: "systemd" | "compose" | "dotenv", name: string) =>
    readSources([{ kind, place: at(name) }], { root: folder.path });
  const { environments } = await read("systemd", "web.service");
  assert.deepEqual(
    Object.fromEntries(
      [...(environments[0]?.variables ?? [])].map(([name, each]) => [
        name,
        each.kind === "set" ? each.value : null,
      ]),
    ),
    { A: "file", B: "two", C: "3", D: "4", Y: "stays" },
  );
  await writeFile(at("compose.yaml"), "services:\n  a: { environment: { A: 1 } }\n  b: { env_file: .env }\n");
  await writeFile(at(".env"), "A=2\n");
  const services = takeSnapshot(await read("compose", "compose.yaml"), key, clock);
  assert.deepEqual(
    services.environments.map(({ scope }) => scope),
    ["service a", "service b"],
  );
  const dotenv = takeSnapshot(await read("dotenv", ".env"), key, clock);
  assert.throws(
    () => diffSnapshots(services, dotenv, { secondScope: "environment" }),
    code("ENV_SCOPE_UNKNOWN"),
  );
  assert.deepEqual(namesOf(diffSnapshots(services, dotenv, { firstScope: "service a" })), [["differs", "A"]]);
  assert.deepEqual(namesOf(diffSnapshots(services, dotenv, { firstScope: "service b" })), []);
  await assert.rejects(read("systemd", "none.service"), code("ENV_SOURCE_UNREADABLE"));
  await writeFile(at("bad.service"), "[Service]\nEnvironmentFile=/etc/none\n");
  await assert.rejects(read("systemd", "bad.service"), code("ENV_SOURCE_UNREADABLE"));
});

test("how a source is written, and a process that ended or is another's", {
  skip: process.platform !== "linux" && "needs /proc",
}, async (t) => {
  assert.deepEqual(parseSourceReference("/proc/12/environ"), { kind: "process", place: "12" });
  assert.deepEqual(parseSourceReference("dotenv:a:b"), { kind: "dotenv", place: "a:b" });
  assert.deepEqual(parseSourceReference("C:\\x\\user.reg"), { kind: "registry", place: "C:\\x\\user.reg" });
  assert.throws(() => parseSourceReference("thing"), code("ENV_SOURCE_UNKNOWN"));
  assert.throws(() => parseSourceReference("__proto__:thing"), code("ENV_SOURCE_UNKNOWN"));
  const child = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log(1)"], {
    env: { ONLY: "this" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.after(() => child.kill());
  await once(child.stdout, "data");
  const place = String(child.pid);
  const snapshot = takeSnapshot(await readSources([{ kind: "process", place }]), key, clock);
  // A trace that these tests may run under is handed on to every child.
  const ofTrace = ["NODE_OPTIONS", "CUPEL_ENV_TRACE_STARTER"];
  assert.deepEqual(
    snapshot.environments[0]?.variables
      .filter(({ name }) => !ofTrace.includes(name))
      .map(({ name, length }) => [name, length]),
    [["ONLY", 4]],
  );
  const ended = once(child, "exit");
  child.kill();
  await ended;
  await assert.rejects(readSources([{ kind: "process", place }]), code("ENV_PROCESS_GONE"));
  // Root may read all but as someone else, who may not read what is root's: of this process there is one above.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    const denied = readSources([{ kind: "process", place: isRoot ? String(process.ppid) : "1" }]);
    await assert.rejects(denied, code("ENV_PROCESS_DENIED"));
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test("the registry of the suite gives the expected findings", { skip: suiteFolder.skip }, async () => {
  const reading = (own: readonly string[]) =>
    readSources(
      own.map((name) => ({
        kind: name.endsWith(".reg") ? ("registry" as const) : ("reg-query" as const),
        place: suiteFolder.path("registry", name),
      })),
      {
        assumed: new Map([
          ["SystemRoot", "C:\\Windows"],
          ["USERPROFILE", "C:\\Users\\u"],
        ]),
      },
    );
  const valuesOf = async (...own: string[]) =>
    Object.fromEntries(
      [...((await reading(own)).environments[0]?.variables ?? [])].map(([, each]) => [
        each.name,
        each.kind === "set" ? each.value : null,
      ]),
    );
  assert.deepEqual(await valuesOf("environment-unicode.reg"), {
    TEMP: "C:\\Users\\u\\AppData\\Local\\Temp",
    MY_PAYLOAD: "C:\\tmp\\a.ps1",
    Quote: 'say "hi"',
    Path: "C:\\Windows\\system32;C:\\Windows;C:\\Program Files\\nodejs\\",
    ComSpec: "C:\\Windows\\system32\\cmd.exe",
    变量: "值",
  });
  assert.deepEqual(await valuesOf("environment-regedit4.reg"), { TEMP: null });
  const printed = await valuesOf("reg-query-output.txt");
  assert.deepEqual(printed, {
    TEMP: "C:\\Users\\u\\AppData\\Local\\Temp",
    MY_PAYLOAD: "C:\\tmp\\a.ps1",
    Empty: "",
    "Name With  Spaces": "a    b",
  });
  const [first, second] = [
    await reading(["environment-unicode.reg"]),
    await reading(["reg-query-output.txt"]),
  ].map((each) => takeSnapshot(each, key, clock));
  assert.ok(first !== undefined && second !== undefined);
  const found = diffSnapshots(first, second);
  assert.equal(found.same, 2);
  assert.deepEqual(
    namesOf(found)
      .map(([kind, name]) => `${kind} ${name}`)
      .sort(),
    [
      "only-first ComSpec",
      "only-first Path",
      "only-first Quote",
      "only-first 变量",
      "only-second Empty",
      "only-second Name With  Spaces",
    ],
  );
});
