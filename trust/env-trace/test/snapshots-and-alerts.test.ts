/** Snapshots hold no value; differences in three classes; the fuse against a model that goes through time step by step; where alerts go. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder, type WorkEvent } from "@cupel/base";
import {
  type Alert,
  alertOfChange,
  alertOfFuse,
  diffSnapshots,
  eventSinkAlerts,
  type FuseEvent,
  type FuseOutcome,
  formatSnapshot,
  isLargeEnough,
  lineAlerts,
  openAlertLines,
  parseSnapshot,
  parseSnapshotKey,
  parseSourceReference,
  quietFuse,
  readSources,
  type Snapshot,
  stepFuse,
  takeSnapshot,
  usualFuse,
  watchEnvironment,
  webhookAlerts,
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
}, async () => {
  assert.deepEqual(parseSourceReference("/proc/12/environ"), { kind: "process", place: "12" });
  assert.deepEqual(parseSourceReference("dotenv:a:b"), { kind: "dotenv", place: "a:b" });
  assert.deepEqual(parseSourceReference("C:\\x\\user.reg"), { kind: "registry", place: "C:\\x\\user.reg" });
  assert.throws(() => parseSourceReference("thing"), code("ENV_SOURCE_UNKNOWN"));
  assert.throws(() => parseSourceReference("__proto__:thing"), code("ENV_SOURCE_UNKNOWN"));
  const child = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log(1)"], {
    env: { ONLY: "this" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const place = String(child.pid);
  const snapshot = takeSnapshot(await readSources([{ kind: "process", place }]), key, clock);
  assert.deepEqual(
    snapshot.environments[0]?.variables.map(({ name, length }) => [name, length]),
    [["ONLY", 4]],
  );
  const ended = once(child, "exit");
  child.kill();
  await ended;
  await assert.rejects(readSources([{ kind: "process", place }]), code("ENV_PROCESS_GONE"));
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

test("changes are told as they come, small ones when they add up", async () => {
  const states = [
    { A: "1" },
    { A: "1" },
    { A: "1", B: "1" },
    { A: "1", B: "1", C: "1" },
    { A: "2", B: "1", C: "1" },
  ];
  const ending = new AbortController();
  let at = 0;
  const told: (string[] | null)[] = [];
  const changes = watchEnvironment({
    take: async () => await snapshotOf(states[Math.min(at++, states.length - 1)]!),
    intervalMs: 1,
    signal: ending.signal,
    variables: 2,
    wait: async () => {
      if (at >= states.length) ending.abort();
    },
  });
  for await (const change of changes)
    told.push(change === null ? null : change.differences.map(({ name }) => name).sort());
  // A second variable is needed: B waits for C, and the change of A is alone.
  assert.deepEqual(told, [null, null, ["B", "C"], null]);
  const [before, after] = [await snapshotOf({ A: "1" }), await snapshotOf({ A: "2222" })];
  const { differences } = diffSnapshots(before, after);
  assert.deepEqual(
    [isLargeEnough(differences, { bytes: 3 }), isLargeEnough(differences, { bytes: 4 }), isLargeEnough([])],
    [true, false, false],
  );
});

/** Goes through time in steps of 100 ms, by what is said of the fuse and nothing else. */
function modelOutcomes(hitsAt: readonly number[], until: number): FuseOutcome[] {
  const outcomes: FuseOutcome[] = [];
  const hits = Map.groupBy(hitsAt, (hit) => hit);
  let row: number[] = [];
  let raised: number | null = null;
  for (let now = 0; now <= until; now += 100) {
    const last = row.at(-1);
    if (raised !== null && now - raised === 300_000) {
      outcomes.push({ kind: "ended", at: now, hits: row.length, because: "duration" });
      [row, raised] = [[], null];
    } else if (last !== undefined && now - last === 10_000) {
      if (raised !== null) outcomes.push({ kind: "ended", at: now, hits: row.length, because: "silence" });
      [row, raised] = [[], null];
    }
    for (const _ of hits.get(now) ?? []) {
      row.push(now);
      if (row.length === 3 && raised === null) {
        raised = now;
        outcomes.push({ kind: "raised", at: now, hits: 3 });
      }
    }
  }
  return outcomes;
}

test("the fuse does what a model does that goes through time step by step", () => {
  const random = createRandom(21);
  const kinds = new Set<string>();
  for (let round = 0; round < 60; round++) {
    // Sparse and dense streams; gaps of exactly ten seconds are among them.
    const span = [3_000, 9_000, 10_000, 12_000][round % 4]!;
    const events: { at: number; event: FuseEvent }[] = [];
    let at = 0;
    while (at < 700_000 && events.length < 400) {
      at +=
        random.uniform() < [0.002, 0.1][(round >> 2) % 2]! ? 10_000 : random.integer(span / 100 + 1) * 100;
      events.push({ at, event: random.uniform() < 0.25 ? "tick" : "hit" });
    }
    const end = at + 400_000;
    let state = quietFuse;
    const outcomes: FuseOutcome[] = [];
    for (const { at: now, event } of [...events, { at: end, event: "tick" as const }]) {
      const step = stepFuse(state, event, { monotonic: () => now });
      outcomes.push(...step.outcomes);
      state = step.state;
    }
    const hits = events.filter(({ event }) => event === "hit").map((each) => each.at);
    assert.deepEqual(outcomes, modelOutcomes(hits, end), `round ${round}`);
    assert.deepEqual(state, quietFuse);
    for (const outcome of outcomes) kinds.add(outcome.kind === "ended" ? outcome.because : outcome.kind);
  }
  assert.deepEqual([...kinds].sort(), ["duration", "raised", "silence"]);
});

test("the fuse is pure, takes other numbers, and a clock that goes back stands still", () => {
  const at = (now: number) => ({ monotonic: () => now });
  const before = Object.freeze({ hits: 2, lastHitAt: 1000, raisedAt: null });
  const raised = stepFuse(before, "hit", at(500));
  assert.deepEqual(raised, {
    state: { hits: 3, lastHitAt: 1000, raisedAt: 1000 },
    outcomes: [{ kind: "raised", at: 1000, hits: 3 }],
  });
  const one = stepFuse(quietFuse, "hit", at(5), { ...usualFuse, hits: 1, durationMs: 10 });
  assert.deepEqual(
    stepFuse(one.state, "hit", at(20), { ...usualFuse, hits: 1, durationMs: 10 }).outcomes.map(
      ({ kind, at: when }) => [kind, when],
    ),
    [
      ["ended", 15],
      ["raised", 20],
    ],
  );
});

test("alerts reach the record, a line and a webhook, which is tried again and given up; one sink holds up no other", async () => {
  const events: WorkEvent[] = [];
  const lines: string[] = [];
  const bodies: unknown[] = [];
  const statuses = [503, 429, 200, 500, 500, 500, 400];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      bodies.push(JSON.parse(body));
      response.writeHead(statuses[bodies.length - 1] ?? 200).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a-secret-path`);
  const pauses: number[] = [];
  const webhook = webhookAlerts(url, {
    wait: async (ms) => {
      pauses.push(ms);
    },
  });
  const failures: string[] = [];
  const stuck: ((value: undefined) => void)[] = [];
  const open = openAlertLines(
    [
      eventSinkAlerts({ emit: async (event) => void events.push(event) }, { id: "tester" }),
      lineAlerts((line) => lines.push(line)),
      webhook,
      () => new Promise((done) => void stuck.push(done)),
    ],
    (thrown) => failures.push(String(thrown)),
  );
  const { differences } = diffSnapshots(
    await snapshotOf({ A: "1", B: "1" }),
    await snapshotOf({ B: "2", C: "secret-value" }),
  );
  const alerts: Alert[] = [
    alertOfChange({ at: 0, differences }),
    alertOfFuse({ kind: "raised", at: 5, hits: 3 }, 5),
    alertOfFuse({ kind: "ended", at: 9, hits: 3, because: "silence" }, 9),
  ];
  for (const alert of alerts) open.send(alert);
  while (stuck.length < alerts.length) {
    for (const done of stuck) done(undefined);
    await new Promise((done) => setImmediate(done));
  }
  for (const done of stuck) done(undefined);
  await open.drained();
  assert.deepEqual(
    events.map(({ action, severity }) => `${action} ${severity}`),
    ["ENV.CHANGE WARN", "ENV.CHANGE CRITICAL", "ENV.CHANGE INFO"],
  );
  assert.deepEqual(events[0]?.object, { added: "C", removed: "A", changed: "B" });
  assert.equal(lines[0], "1970-01-01T00:00:00.000Z removed A, changed B, added C\n");
  assert.deepEqual(bodies.length, 7);
  assert.deepEqual(pauses, [500, 1000, 500, 1000]);
  assert.equal(failures.length, 2);
  assert.ok(
    failures.every((each) => !each.includes("secret")),
    failures.join(),
  );
  assert.ok(!JSON.stringify([events, lines, bodies]).includes("secret-value"));
  const slow = openAlertLines([() => new Promise(() => {})], () => {});
  for (let i = 0; i < 150; i++) slow.send(alerts[1]!);
  assert.deepEqual([open.dropped, slow.dropped], [0, 50]);
  server.close();
  server.closeAllConnections();
});
