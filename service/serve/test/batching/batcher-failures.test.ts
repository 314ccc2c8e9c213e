/** The queue in front of a session when something goes wrong: callers that leave, runs that fail, threads that end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseErrors } from "@cupel/base";
import { runtimeErrors } from "@cupel/runtime";
import { busy, finishAll, open } from "./busy-batcher.ts";
import { callOf, FakeSession, outcomeOf, poison, rowsOfTwo, turn } from "./fake-session.ts";

test("a caller that leaves and a deadline that passes are told apart, and neither waits for the engine", async () => {
  const { session, batcher, ahead } = await busy();
  const leaving = new AbortController();
  const late = new AbortController();
  const left = outcomeOf(batcher.run(rowsOfTwo(1, 1), { call: callOf("a", leaving.signal) }));
  const lateCall = callOf("b", late.signal);
  const expired = outcomeOf(batcher.run(rowsOfTwo(2, 2), { call: lateCall }));
  const neighbour = outcomeOf(batcher.run(rowsOfTwo(3, 3), { call: callOf("c") }));
  leaving.abort();
  late.abort(new DOMException("", "TimeoutError"));
  assert.equal(batcher.queued, 1);
  assert.deepEqual([await left, await expired], ["CANCELLED", "DEADLINE_EXCEEDED"]);
  assert.deepEqual(lateCall.times, { queue: 0 });
  assert.equal(session.runs.length, 2);
  await finishAll(session);
  assert.deepEqual(session.runs[2]?.values, [3, 3]);
  assert.deepEqual(await neighbour, [6, 6]);
  await Promise.all(ahead);
  const gone = batcher.run(rowsOfTwo(1, 1), { call: callOf("a", leaving.signal) });
  await assert.rejects(gone, { code: "CANCELLED" });
});

test("who leaves a batch in the engine is answered at once, and its neighbours are not touched", async () => {
  const session = new FakeSession();
  const batcher = open(session);
  const leaving = new AbortController();
  const left = outcomeOf(batcher.run(rowsOfTwo(1, 1), { call: callOf("a", leaving.signal) }));
  const neighbour = outcomeOf(batcher.run(rowsOfTwo(2, 2), { call: callOf("b") }));
  await turn();
  assert.deepEqual(session.runs[0]?.values, [1, 1, 2, 2]);
  leaving.abort();
  assert.equal(await left, "CANCELLED");
  await finishAll(session);
  assert.deepEqual(await neighbour, [4, 4]);
});

test("a run that has not begun and that everybody has left is called off", async () => {
  const { session, batcher, ahead } = await busy();
  const leaving = new AbortController();
  session.finish();
  await turn();
  const ask = (value: number, signal?: AbortSignal) =>
    outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf("a", signal) }));
  const runs = [ask(1, leaving.signal), ask(2, leaving.signal)];
  await turn();
  const next = ask(9);
  await turn();
  assert.deepEqual([session.runs.length, batcher.queued], [3, 1]);
  leaving.abort();
  assert.deepEqual(await Promise.all(runs), ["CANCELLED", "CANCELLED"]);
  await turn();
  // The session still holds it, until the run ahead lets its thread drop it: nothing more is handed over.
  assert.deepEqual([session.runs[2]?.isDropped, session.runs.length, batcher.queued], [true, 3, 1]);
  await finishAll(session);
  assert.deepEqual(await next, [18, 18]);
  await Promise.all(ahead);
  await batcher[Symbol.asyncDispose]();
});

test("of a batch that fails each is run once more by itself: only the bad one fails", async () => {
  const { session, batcher } = await busy();
  const runs = [1, poison, 3].map((value) =>
    outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() })),
  );
  await finishAll(session);
  assert.deepEqual(await Promise.all(runs), [[2, 2], "RUN_FAILED", [6, 6]]);
  assert.deepEqual(
    session.runs.slice(2).map(({ rows }) => rows),
    [3, 1, 1, 1],
  );
});

test("a thread that ends fails what it was given with an error that says: try again", async () => {
  const crash = baseErrors.error("THREAD_CRASHED", "The thread crashed.");
  for (const [thrown, code] of [
    [crash, "THREAD_CRASHED"],
    [runtimeErrors.error("SESSION_CLOSED", "Closed."), "MODEL_NOT_READY"],
  ] as const) {
    const session = new FakeSession();
    const batcher = open(session);
    const runs = [1, 2].map((value) => batcher.run(rowsOfTwo(value, value), { call: callOf() }));
    const settled = Promise.allSettled(runs);
    await turn();
    session.crash(thrown);
    for (const outcome of await settled) {
      assert.ok(outcome.status === "rejected");
      const { reason } = outcome;
      assert.deepEqual(
        [reason.code, reason.spec.http, reason.spec.grpc, reason.spec.retryable],
        [code, 503, "UNAVAILABLE", true],
      );
    }
    assert.equal(session.runs.length, 1);
  }
});

test("a model whose outputs have not the rows that went in is run one request at a time from then on", async () => {
  const session = new FakeSession({ outputRows: () => 1 });
  const batcher = open(session, { maxRows: 4 });
  const ask = (values: number[]) => outcomeOf(batcher.run(rowsOfTwo(...values), { call: callOf() }));
  const runs = [ask([1, 1]), ask([2, 2, 3, 3])];
  await turn();
  const large = ask(new Array(12).fill(1));
  await finishAll(session);
  assert.deepEqual(await Promise.all(runs), [
    [2, 2],
    [4, 4],
  ]);
  assert.equal(await large, "BATCH_TOO_LARGE");
  const before = session.runs.length;
  const after = [ask([1, 1]), ask([2, 2])];
  await finishAll(session);
  assert.deepEqual(
    session.runs.slice(before).map(({ rows }) => rows),
    [1, 1],
  );
  await Promise.all(after);
  await assert.rejects(batcher.run(rowsOfTwo(...new Array(12).fill(1)), { call: callOf() }), {
    code: "BATCH_TOO_LARGE",
    details: { limit: "batching.maxRows", value: 4, rows: 6 },
  });
});

test("a model that fails with every batch and never with one request is not given a fourth batch", async () => {
  const session = new FakeSession({ mostRows: 1 });
  const batcher = open(session);
  const rows: number[][] = [];
  for (let i = 0; i < 4; i++) {
    const before = session.runs.length;
    const both = [1, 2].map((value) => outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() })));
    await finishAll(session);
    assert.deepEqual(await Promise.all(both), [
      [2, 2],
      [4, 4],
    ]);
    rows.push(session.runs.slice(before).map((run) => run.rows));
  }
  assert.deepEqual(rows, [
    [2, 1, 1],
    [2, 1, 1],
    [2, 1, 1],
    [1, 1],
  ]);
});

test("requests that fail by themselves do not keep others from being joined", async () => {
  const session = new FakeSession();
  const batcher = open(session);
  for (let i = 0; i < 5; i++) {
    const all = [1, poison, 2].map((value) =>
      outcomeOf(batcher.run(rowsOfTwo(value, value), { call: callOf() })),
    );
    await finishAll(session);
    assert.deepEqual(await Promise.all(all), [[2, 2], "RUN_FAILED", [4, 4]]);
    assert.deepEqual(
      session.runs.splice(0).map(({ rows }) => rows),
      [3, 1, 1, 1],
    );
  }
});
