/** What waits for a session is bounded, can be counted, is answered when the session drains, and has deadlines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { openSession, openStatefulSession, type TensorData } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { accumulator, doubler, slowModel } from "./tiny-models.ts";

const row = (...values: number[]): TensorData => ({
  type: "float32",
  dims: [values.length / 3, 3],
  data: Float32Array.from(values),
});
const square = (): TensorData => ({
  type: "float32",
  dims: [512, 512],
  data: new Float32Array(512 * 512),
});

test("of 5,000 runs asked at once, 64 are taken and the others refused before their feeds are copied", async (context) => {
  await using session = await openSession(doubler(), { maxQueued: 64, threads: 1 });
  const rows = 100_000;
  const x: TensorData = { type: "float32", dims: [rows, 3], data: new Float32Array(3 * rows).fill(1) };
  await session.warmUp({ x });
  const resident = () => process.memoryUsage().rss / 2 ** 20;
  const before = resident();
  let [answered, refused, answeredBeforeRefusal] = [0, 0, 0];
  const started = performance.now();
  const runs = Array.from({ length: 5_000 }, async () => {
    try {
      await session.run({ x });
      answered++;
    } catch (thrown) {
      assert.ok(thrown instanceof Error && "code" in thrown);
      assert.equal(thrown.code, "QUEUE_FULL");
      answeredBeforeRefusal += answered;
      refused++;
    }
  });
  const asking = performance.now() - started;
  assert.equal(session.pending, 64);
  const grown = resident() - before;
  await Promise.all(runs);
  assert.deepEqual([answered, refused, answeredBeforeRefusal], [64, 4_936, 0]);
  const afterwards = resident() - before;
  context.diagnostic(
    `asked in ${asking.toFixed(0)} ms, grew by ${grown.toFixed(0)} MiB, ${afterwards.toFixed(0)} MiB when answered`,
  );
  // 64 feeds and outputs are 146 MiB, all 5,000 would be 11 GiB.
  assert.ok(Math.max(grown, afterwards) < 400, `grew by ${grown} and ${afterwards} MiB`);
  assert.equal(session.pending, 0);
  assert.deepEqual(Object.keys(await session.run({ x })), ["y"], "there is room again");
});

test("a refusal says how many wait, may be shown to remote callers and may be tried again", async () => {
  await using session = await openSession(slowModel(), { maxQueued: 1, threads: 1 });
  const first = session.run({ x: square() });
  const failure = await failureOf(session.run({ x: square() }));
  assert.equal(failure.code, "QUEUE_FULL");
  assert.match(failure.message, /has 1 runs to answer, as many as maxQueued allows/);
  assert.deepEqual(
    [failure.spec.http, failure.spec.grpc, failure.spec.retryable, failure.spec.public],
    [429, "RESOURCE_EXHAUSTED", true, true],
  );
  await first;
});

test("runs that are cancelled while the engine works make no room before the thread has dropped their feeds", async () => {
  await using session = await openSession(slowModel(), { maxQueued: 3, threads: 1 });
  const first = session.run({ x: square() });
  const abort = new AbortController();
  const cancelled = [1, 2].map(() => failureOf(session.run({ x: square() }, { signal: abort.signal })));
  abort.abort();
  for (const failure of await Promise.all(cancelled)) assert.equal(failure.code, "CANCELLED");
  assert.equal((await failureOf(session.run({ x: square() }))).code, "QUEUE_FULL");
  await first;
  await session.run({ x: square() });
  assert.equal(session.pending, 0);
});

test("maxQueued is a whole number of at least 1", async () => {
  for (const maxQueued of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal((await failureOf(openSession(doubler(), { maxQueued }))).code, "OPTION_INVALID");
  }
});

test("a drained close answers every run it has taken, and takes no more", async () => {
  const session = await openSession(doubler(), { maxQueued: 200 });
  const runs = Array.from({ length: 200 }, (_, i) => session.run({ x: row(i, i, i) }));
  const closing = session.close({ drain: true });
  assert.equal((await failureOf(session.run({ x: row(1, 2, 3) }))).code, "SESSION_CLOSED");
  const outputs = await Promise.all(runs);
  outputs.forEach(({ y }, i) => {
    assert.equal(y!.data[0], 2 * i);
  });
  await closing;
  assert.equal(await session.ended, null);
});

test("a run whose time runs out fails with DEADLINE_EXCEEDED, in the engine or before it", async () => {
  await using session = await openSession(slowModel(), { threads: 1 });
  await session.warmUp();
  const runs = [1, 2].map(() => session.run({ x: square() }, { signal: AbortSignal.timeout(1) }));
  for (const run of runs) {
    const failure = await failureOf(run);
    assert.equal(failure.code, "DEADLINE_EXCEEDED");
    assert.match(failure.message, /^The run did not finish in the time allowed/);
  }
});

test("an opening whose time runs out fails with DEADLINE_EXCEEDED", async () => {
  const failure = await failureOf(openSession(slowModel(), { signal: AbortSignal.timeout(1) }));
  assert.equal(failure.code, "DEADLINE_EXCEEDED");
});

test("an opening that is cancelled starts no thread, or one that ends", async () => {
  const workers = new Set<Worker>();
  const count = (worker: Worker) => {
    workers.add(worker);
    worker.once("exit", () => workers.delete(worker));
  };
  process.on("worker", count);
  for (const edits of [{}, { taps: ["twice"] }]) {
    const abort = new AbortController();
    const opening = failureOf(openSession(doubler(), { ...edits, signal: abort.signal }));
    abort.abort();
    assert.equal((await opening).code, "CANCELLED");
    assert.equal(workers.size, 0, "cancelled in the same tick");
  }
  const abort = new AbortController();
  const opening = failureOf(openSession(doubler(), { signal: abort.signal }));
  process.once("worker", () => setImmediate(() => abort.abort()));
  assert.equal((await opening).code, "CANCELLED");
  await Promise.all(Array.from(workers, (worker) => new Promise((ended) => worker.once("exit", ended))));
  process.off("worker", count);
});

test("an opening that is cancelled after its thread has answered, just before it resolves, leaves nothing open", async () => {
  const initial = { type: "float32" as const, dims: [2], data: new Float32Array(2) };
  const openings: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => openSession(doubler(), { signal }),
    (signal) =>
      openStatefulSession(accumulator(), {
        state: [{ input: "sum", output: "next_sum", initial }],
        signal,
      }),
  ];
  for (const open of openings) {
    for (const microtasks of [0, 1, 2, 3]) {
      const abort = new AbortController();
      let ended: Promise<unknown> = Promise.resolve();
      process.once("worker", (worker: Worker) => {
        ended = new Promise((resolve) => worker.once("exit", resolve));
        worker.once("message", async () => {
          for (let i = 0; i < microtasks; i++) await null;
          abort.abort();
        });
      });
      const failure = await failureOf(open(abort.signal));
      assert.equal(failure.code, "CANCELLED", `${microtasks} microtasks after the answer`);
      await ended;
    }
  }
});

test("warming up takes the declared shapes or given feeds, and leaves the state as it is", async () => {
  await using session = await openSession(doubler());
  await session.warmUp();
  await session.warmUp({ x: row(1, 2, 3, 4, 5, 6) });
  const wide: TensorData = { type: "float32", dims: [1, 4], data: new Float32Array(4) };
  assert.equal((await failureOf(session.warmUp({ x: wide }))).code, "INPUT_SHAPE_MISMATCH");

  const floats = (...values: number[]): TensorData => ({
    type: "float32",
    dims: [values.length],
    data: Float32Array.from(values),
  });
  await using stateful = await openStatefulSession(accumulator(), {
    state: [
      { input: "sum", output: "next_sum", initial: floats(1) },
      { input: "scale", output: null, initial: { type: "float32", dims: [], data: Float32Array.of(1) } },
    ],
  });
  await stateful.warmUp({ x: floats(5) });
  assert.deepEqual((await stateful.readState(["sum"])).sum, floats(1));
  await stateful.run({ x: floats(2) });
  await stateful.warmUp({ x: floats(5) });
  assert.deepEqual((await stateful.run({ x: floats(4) })).before, floats(3));
  assert.deepEqual((await stateful.readState(["sum"])).sum, floats(7));
});
