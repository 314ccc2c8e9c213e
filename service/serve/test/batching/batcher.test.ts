/** The queue in front of a session: what is joined, in what order, what is refused, and who gets what back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instruments } from "../../src/operations/instruments.ts";
import { busy, finishAll, named, open } from "./busy-batcher.ts";
import { callOf, FakeSession, outcomeOf, rowsOfTwo, turn } from "./fake-session.ts";

test("what comes while the engine works is one batch, and each gets its own rows", async () => {
  const { session, batcher } = await busy();
  const runs = [rowsOfTwo(1, 2), rowsOfTwo(3, 4, 5, 6), rowsOfTwo(7, 8)].map((feeds) =>
    outcomeOf(batcher.run(feeds, { call: callOf() })),
  );
  assert.equal(batcher.queued, 3);
  await finishAll(session);
  assert.deepEqual(session.runs.at(-1)?.values, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(await Promise.all(runs), [
    [2, 4],
    [6, 8, 10, 12],
    [14, 16],
  ]);
  assert.deepEqual([session.runs.length, session.mostPending], [3, 2]);
});

test("a batch moves into the session; a request that is alone is copied by the session only", async () => {
  const { session, batcher } = await busy();
  const alone = rowsOfTwo(1, 2);
  const first = outcomeOf(batcher.run(alone, { call: callOf() }));
  await finishAll(session);
  assert.equal(session.runs[2]?.transfer, false);
  assert.deepEqual([...(alone.x!.data as Float32Array)], [1, 2]);
  await first;
  // Together in one turn of the event loop.
  const both = [1, 2].map(() => outcomeOf(batcher.run(alone, { call: callOf() })));
  await finishAll(session);
  assert.equal(session.runs[3]?.transfer, true);
  await Promise.all(both);
});

test("requests of other shapes or outputs are not joined", async () => {
  const session = new FakeSession({
    inputs: [{ name: "x", type: "float32", dims: ["n", "w"] }],
    outputs: [{ name: "y", type: "float32", dims: ["n", "w"] }],
  });
  const { batcher } = await busy({}, session);
  const wide = { x: { type: "float32", dims: [1, 3], data: Float32Array.of(7, 8, 9) } } as const;
  const runs = [
    batcher.run(rowsOfTwo(1, 2), { call: callOf("a") }),
    batcher.run(wide, { call: callOf("b") }),
    batcher.run(rowsOfTwo(3, 4), { call: callOf("c"), fetches: ["y"] }),
    batcher.run(rowsOfTwo(5, 6), { call: callOf("d") }),
  ].map(outcomeOf);
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(2).map(({ values, fetches }) => [values, fetches]),
    [
      [[1, 2, 5, 6], undefined],
      [[7, 8, 9], undefined],
      [[3, 4], ["y"]],
    ],
  );
  assert.deepEqual(await Promise.all(runs), [
    [2, 4],
    [14, 16, 18],
    [6, 8],
    [10, 12],
  ]);
});

test("more rows than a run takes are computed in several, the last with those of others", async () => {
  const { session, batcher } = await busy({ maxRows: 4 });
  const values = Array.from({ length: 18 }, (_, i) => i);
  const large = outcomeOf(batcher.run(rowsOfTwo(...values), { call: callOf("a") }));
  const small = outcomeOf(batcher.run(rowsOfTwo(100, 101), { call: callOf("b") }));
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(2).map(({ rows }) => rows),
    [4, 4, 2],
  );
  assert.deepEqual(
    await large,
    values.map((value) => value * 2),
  );
  assert.deepEqual(await small, [200, 202]);
});

test("who asks for much waits with every turn for those who ask for little", async () => {
  const { session, batcher } = await busy({ maxRows: 1 });
  const ask = (caller: string, value: number) =>
    outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf(caller) }));
  const runs = [1, 2, 3, 4].map((value) => ask("greedy", value));
  runs.push(ask("modest", 10), ask("other", 20), ask("modest", 11));
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(2).map(({ values }) => values[0]),
    [1, 10, 20, 2, 11, 3, 4],
  );
  await Promise.all(runs);
});

test("one principal at two addresses is two callers", async () => {
  const { session, batcher } = await busy({ maxRows: 1 });
  const runs = ["::1", "::1", "::2"].map((address, i) =>
    outcomeOf(batcher.run(rowsOfTwo(i, i), { call: { ...callOf(), address } })),
  );
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(2).map(({ values }) => values[0]),
    [0, 2, 1],
  );
  await Promise.all(runs);
});

test("a queue that is full says which limit, and when to ask again", async () => {
  const times = [0, 40];
  const session = new FakeSession({ engineMs: 40 });
  const batcher = open(session, { maxRows: 1, maxQueued: 2, maxQueuedBytes: 24 });
  const ask = (...values: number[]) => outcomeOf(batcher.run(rowsOfTwo(...values), { call: callOf() }));
  const first = ask(0, 0);
  await finishAll(session);
  const runs = [first, ...[1, 2, 3, 4].map((value) => ask(value, value))];
  assert.equal(batcher.queued, 2);
  await assert.rejects(batcher.run(rowsOfTwo(5, 5), { call: callOf() }), {
    code: "QUEUE_LIMIT",
    // Two rows wait, of 40 ms each.
    details: { limit: "batching.maxQueued", value: 2, retryAfterMs: 80 },
  });
  session.finish();
  await turn();
  assert.equal(batcher.queued, 1);
  await assert.rejects(batcher.run(rowsOfTwo(5, 5, 6, 6, 7, 7), { call: callOf() }), {
    code: "QUEUE_LIMIT",
    details: { limit: "batching.maxQueuedBytes", value: 24, retryAfterMs: times[1] },
  });
  await finishAll(session);
  await Promise.all(runs);
  // The only one that waits may be larger than the limit.
  const large = ask(...Array.from({ length: 8 }, (_, i) => i));
  await finishAll(session);
  assert.deepEqual(await large, [0, 2, 4, 6, 8, 10, 12, 14]);
});

test("a request that the session would refuse is refused before it waits", async () => {
  const { session, batcher } = await busy();
  const wide = { x: { type: "float32", dims: [1, 3], data: new Float32Array(3) } } as const;
  const refused: [Promise<unknown>, string][] = [
    [batcher.run(wide, { call: callOf() }), "INPUT_SHAPE_MISMATCH"],
    [batcher.run({}, { call: callOf() }), "INPUT_MISSING"],
    [batcher.run(rowsOfTwo(1, 2), { call: callOf(), fetches: ["z"] }), "OUTPUT_UNKNOWN"],
  ];
  for (const [run, code] of refused) await assert.rejects(run, { code });
  assert.equal(batcher.queued, 0);
  await finishAll(session);
});

test("closing finishes what was taken and takes nothing new", async () => {
  const { session, batcher, ahead } = await busy();
  const waiting = outcomeOf(batcher.run(rowsOfTwo(1, 2), { call: callOf() }));
  let isClosed = false;
  const closed = batcher[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await assert.rejects(batcher.run(rowsOfTwo(1, 2), { call: callOf() }), { code: "MODEL_NOT_READY" });
  session.finish();
  await turn();
  assert.equal(isClosed, false);
  await finishAll(session);
  await closed;
  assert.deepEqual(await waiting, [2, 4]);
  await Promise.all(ahead);
  await batcher[Symbol.asyncDispose]();
});

test("closing does not wait for the company that a request waits for", async () => {
  const session = new FakeSession();
  const batcher = open(session, { maxDelayMs: 60_000 });
  const waiting = outcomeOf(batcher.run(rowsOfTwo(1, 2), { call: callOf() }));
  await turn();
  const closed = batcher[Symbol.asyncDispose]();
  assert.ok(session.finish());
  await closed;
  assert.deepEqual(await waiting, [2, 4]);
});

test("with a delay a request waits for company while the engine has nothing to do", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const session = new FakeSession();
  const batcher = open(session, {
    maxRows: 3,
    maxDelayMs: 10,
    clock: { now: () => 0, monotonic: () => now },
  });
  const ask = (value: number) => outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() }));
  const runs = [ask(1)];
  await turn();
  runs.push(ask(2));
  await turn();
  assert.equal(session.runs.length, 0);
  now = 10;
  t.mock.timers.tick(10);
  assert.deepEqual(session.runs[0]?.values, [1, 1, 2, 2]);
  await finishAll(session);
  // A full batch waits for nothing.
  runs.push(ask(3), ask(4), ask(5));
  assert.deepEqual(session.runs[1]?.rows, 3);
  await finishAll(session);
  await Promise.all(runs);
});

test("a next batch that may still grow is handed over shortly before the run ahead should end", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const session = new FakeSession({ engineMs: 100 });
  const batcher = open(session, { clock: { now: () => 0, monotonic: () => now } });
  const ask = (value: number) => outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() }));
  const runs = [ask(0)];
  await turn();
  now = 100;
  await finishAll(session);
  runs.push(ask(1));
  await turn();
  runs.push(ask(2));
  await turn();
  now = 190;
  t.mock.timers.tick(90);
  runs.push(ask(3));
  assert.equal(session.runs.length, 2);
  now = 198;
  t.mock.timers.tick(8);
  assert.deepEqual(session.runs[2]?.values, [2, 2, 3, 3]);
  await finishAll(session);
  await Promise.all(runs);
});

test("a model of one row is given one request at a time, in turn", async () => {
  const session = new FakeSession({
    inputs: [{ name: "x", type: "float32", dims: [1, 2] }],
    outputs: [{ name: "y", type: "float32", dims: [1, 2] }],
  });
  const { batcher } = await busy({}, session);
  const runs = [1, 2].map((value) => outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() })));
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(2).map(({ values }) => values),
    [
      [1, 1],
      [2, 2],
    ],
  );
  await Promise.all(runs);
});

test("times add up to the whole, and the instruments hear of rows and of the queue", async () => {
  let now = 0;
  const heard: unknown[] = [];
  const instruments: Instruments = {
    count() {},
    observe: (name, labels, value) => void heard.push([name, labels, value]),
    set: (name, _, value) => void heard.push([name, value]),
  };
  const session = new FakeSession({ engineMs: 7 });
  const batcher = open(session, { instruments, clock: { now: () => 0, monotonic: () => now++ } });
  const calls = [callOf(), callOf()];
  const started = now;
  const runs = calls.map((call) => outcomeOf(batcher.run(rowsOfTwo(1, 2), { call })));
  await turn();
  now += 20;
  await finishAll(session);
  await Promise.all(runs);
  const { queue = 0, batch = 0, run } = calls[0]!.times;
  assert.equal(run, 7);
  assert.equal(batch, 1);
  assert.ok(queue + batch + 7 > 20 && queue + batch + 7 <= now - started);
  assert.deepEqual(heard, [
    ["queued", 1],
    ["queued", 2],
    ["queued", 0],
    ["batchRows", named, 2],
  ]);
});

test("limits that make no sense are refused", () => {
  for (const limits of [
    { maxRows: 0 },
    { maxDelayMs: -1 },
    { maxQueued: 1.5 },
    { maxQueuedBytes: Number.NaN },
  ]) {
    assert.throws(() => open(new FakeSession(), limits), { code: "OPTION_INVALID" });
  }
});

test("whether there is room is known without a request", async () => {
  const { session, batcher } = await busy({ maxQueued: 1 });
  assert.equal(batcher.noRoom(), null);
  const waits = outcomeOf(batcher.run(rowsOfTwo(1, 2), { call: callOf() }));
  assert.equal(batcher.noRoom()?.code, "QUEUE_LIMIT");
  await finishAll(session);
  assert.equal(batcher.noRoom(), null);
  assert.deepEqual(await waits, [2, 4]);
});

test("two instances are given a run and a next one each; the rest waits where deadlines reach it", async () => {
  const session = new FakeSession();
  const batcher = open(session, { instances: 2, maxRows: 1 });
  const runs = [];
  for (let i = 0; i < 6; i++) {
    runs.push(outcomeOf(batcher.run(rowsOfTwo(i, i), { call: callOf() })));
    await turn();
  }
  assert.deepEqual([session.pending, batcher.queued], [4, 2]);
  await finishAll(session);
  assert.deepEqual(
    await Promise.all(runs),
    [0, 1, 2, 3, 4, 5].map((i) => [2 * i, 2 * i]),
  );
  assert.equal(session.mostPending, 4);
});
