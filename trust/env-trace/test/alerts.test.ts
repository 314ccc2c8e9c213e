/** Changes as they come, the fuse beside a model of it, and where alerts go. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createRandom, type WorkEvent } from "@cupel/base";
import {
  type Alert,
  alertOfChange,
  alertOfFuse,
  diffSnapshots,
  eventSinkAlerts,
  type FuseEvent,
  type FuseOutcome,
  isLargeEnough,
  lineAlerts,
  openAlertLines,
  quietFuse,
  readSources,
  type Snapshot,
  stepFuse,
  takeSnapshot,
  usualFuse,
  watchEnvironment,
  webhookAlerts,
} from "@cupel/env-trace";

const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
const key = Buffer.alloc(32, 7);

async function snapshotOf(own: Record<string, string>, under = key): Promise<Snapshot> {
  return takeSnapshot(await readSources([{ kind: "self", place: "self" }], { own }), under, clock);
}

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
