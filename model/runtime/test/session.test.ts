import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession, type TensorData } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { doubler, slowModel } from "./tiny-models.ts";

const rows = (...values: number[]): TensorData => ({
  type: "float32",
  dims: [values.length / 3, 3],
  data: Float32Array.from(values),
});

test("a session declares its inputs and outputs and runs relu(2x)", async () => {
  await using session = await openSession(doubler());
  assert.deepEqual(session.inputs, [{ name: "x", type: "float32", dims: ["n", 3] }]);
  assert.deepEqual(session.outputs, [{ name: "y", type: "float32", dims: ["n", 3] }]);
  const { y } = await session.run({ x: rows(1, -2, 3, 0.5, 0, -1) });
  assert.deepEqual(y, { type: "float32", dims: [2, 3], data: Float32Array.of(2, 0, 6, 1, 0, 0) });
});

test("a model in chunks is the same as the model whole", async () => {
  const bytes = doubler();
  await using session = await openSession([bytes.subarray(0, 7), bytes.subarray(7)]);
  const { y } = await session.run({ x: rows(1, 2, 3) });
  assert.deepEqual([...y!.data], [2, 4, 6]);
  assert.ok(bytes.byteLength > 0, "the caller keeps its bytes");
});

test("queued runs are answered in the order they were asked for", async () => {
  await using session = await openSession(doubler());
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const { y } = await session.run({ x: rows(i, i, i) });
      assert.equal(y!.data[0], 2 * i);
      order.push(i);
    }),
  );
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test("feeds are as they were when run was called, whatever the caller writes afterwards", async () => {
  await using session = await openSession(doubler());
  const data = Float32Array.of(1, 2, 3);
  const pending = session.run({ x: { type: "float32", dims: [1, 3], data } });
  data.fill(9);
  const { y } = await pending;
  assert.deepEqual([...y!.data], [2, 4, 6]);
});

test("fetches choose outputs", async () => {
  await using session = await openSession(doubler(), { taps: ["twice"] });
  const outputs = await session.run({ x: rows(1, -2, 3) }, { fetches: ["twice"] });
  assert.deepEqual(Object.keys(outputs), ["twice"]);
  assert.deepEqual([...outputs.twice!.data], [2, -4, 6]);
});

test("wrong feeds and fetches are refused by name before they reach the engine", async () => {
  await using session = await openSession(doubler());
  const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
  assert.equal(await code(session.run({})), "INPUT_MISSING");
  assert.equal(await code(session.run({ x: rows(1, 2, 3), z: rows(1, 2, 3) })), "INPUT_UNKNOWN");
  assert.equal(await code(session.run({ x: rows(1, 2, 3) }, { fetches: ["z"] })), "OUTPUT_UNKNOWN");
  const wide: TensorData = { type: "float32", dims: [1, 4], data: new Float32Array(4) };
  const mismatch = await failureOf(session.run({ x: wide }));
  assert.equal(mismatch.code, "INPUT_SHAPE_MISMATCH");
  assert.match(mismatch.message, /"x" has shape \[n, 3\], but \[1, 4\] was given/);
  const short: TensorData = { type: "float32", dims: [2, 3], data: new Float32Array(3) };
  assert.equal(await code(session.run({ x: short })), "INPUT_SHAPE_MISMATCH");
  const doubles: TensorData = { type: "float64", dims: [1, 3], data: new Float64Array(3) };
  assert.equal(await code(session.run({ x: doubles })), "TENSOR_TYPE_MISMATCH");
  const disguised: TensorData = { type: "float32", dims: [1, 3], data: new Float64Array(3) };
  assert.equal(await code(session.run({ x: disguised })), "TENSOR_TYPE_MISMATCH");
  const { y } = await session.run({ x: rows(1, 2, 3) });
  assert.deepEqual([...y!.data], [2, 4, 6], "the session is none the worse");
});

test("an abort rejects a queued run at once and frees its place; the others go on", async () => {
  await using session = await openSession(slowModel(), { threads: 1 });
  const feed = (): Record<string, TensorData> => ({
    x: { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) },
  });
  const started = performance.now();
  await session.run(feed());
  const one = performance.now() - started;

  const abort = new AbortController();
  const first = session.run(feed());
  const cancelled = Array.from({ length: 20 }, () => session.run(feed(), { signal: abort.signal }));
  const last = session.run(feed());
  let firstDone = false;
  void first.then(() => {
    firstDone = true;
  });
  abort.abort();
  for (const run of cancelled) assert.equal((await failureOf(run)).code, "CANCELLED");
  assert.equal(firstDone, false, "cancelled without waiting for the engine");
  const queued = performance.now();
  await Promise.all([first, last]);
  assert.ok(performance.now() - queued < 10 * one, "twenty cancelled runs were not executed");
});

test("a run with an aborted signal never starts", async () => {
  await using session = await openSession(doubler());
  const failure = await failureOf(session.run({ x: rows(1, 2, 3) }, { signal: AbortSignal.abort() }));
  assert.equal(failure.code, "CANCELLED");
});

test("opening can be cancelled before and during", async () => {
  assert.equal((await failureOf(openSession(doubler(), { signal: AbortSignal.abort() }))).code, "CANCELLED");
  const abort = new AbortController();
  const opening = openSession(doubler(), { signal: abort.signal });
  setImmediate(() => abort.abort());
  assert.equal((await failureOf(opening)).code, "CANCELLED");
});

test("the event loop turns while the engine works", async () => {
  await using session = await openSession(slowModel(), { threads: 1 });
  const x: TensorData = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };
  let ticks = 0;
  const timer = setInterval(() => ticks++, 2);
  const { engineMs } = await session.timedRun({ x });
  clearInterval(timer);
  assert.ok(engineMs > 20, `the model was to be slow, but took ${engineMs} ms`);
  assert.ok(ticks >= 3, `${ticks} timer ticks in ${engineMs} ms`);
});

test("closing fails the run in the engine and those behind it, and waits for the engine to let go", async () => {
  const session = await openSession(slowModel(), { threads: 1 });
  const feed = (): Record<string, TensorData> => ({
    x: { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) },
  });
  const failures = [session.run(feed()), session.run(feed())].map(failureOf);
  await session.close();
  for (const failure of await Promise.all(failures)) assert.equal(failure.code, "SESSION_CLOSED");
  assert.equal((await failureOf(session.run(feed()))).code, "SESSION_CLOSED");
  await session.close();
});
