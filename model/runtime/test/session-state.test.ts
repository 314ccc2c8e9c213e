import assert from "node:assert/strict";
import { test } from "node:test";
import { float32Of, openStatefulSession, type StateBinding, type TensorData } from "@cupel/runtime";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { engineOptions } from "../src/session/engine-options.ts";
import { openEngineSession, prepareEngineThread } from "../src/session/engine-session.ts";
import { editSource } from "../src/session/graph-edits.ts";
import { postModel } from "../src/session/model-source.ts";
import { metSentinel, sentinelName } from "../src/session/sentinel.ts";
import { failureOf } from "./errors-of.ts";
import { accumulator, reshaper } from "./tiny-models.ts";

const floats = (...values: number[]): TensorData => ({
  type: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});
const bound = (initial: TensorData): StateBinding => ({ input: "sum", output: "next_sum", initial });
const constant = (scale: number): StateBinding => ({
  input: "scale",
  output: null,
  initial: { type: "float32", dims: [], data: Float32Array.of(scale) },
});
/** The state of `accumulator` from zero, with scale 1. */
const fromZero = (length = 2): StateBinding[] => [bound(floats(...new Array(length).fill(0))), constant(1)];
const shared = (length: number) =>
  new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));

async function sumOf(session: { readState(): Promise<Record<string, TensorData>> }): Promise<number[]> {
  return [...float32Of((await session.readState()).sum!)];
}

test("state is fed and fetched by the session itself, and constants stay", async () => {
  await using session = await openStatefulSession(accumulator(), {
    state: [bound(floats(10, 20)), constant(3)],
  });
  assert.deepEqual(
    session.inputs.map((input) => input.name),
    ["x"],
  );
  assert.deepEqual(
    session.outputs.map((output) => output.name),
    ["before", "count"],
  );
  const first = await session.run({ x: floats(1, 2) });
  assert.deepEqual(first, {
    before: floats(10, 20),
    count: { type: "int64", dims: [1], data: BigInt64Array.of(2n) },
  });
  const second = await session.run({ x: floats(1, 2) }, { fetches: ["before"] });
  assert.deepEqual(second, { before: floats(13, 26) });
  const { sum, scale } = await session.readState();
  assert.deepEqual(sum, floats(16, 32));
  assert.deepEqual(scale, { type: "float32", dims: [], data: Float32Array.of(3) });
  assert.deepEqual(Object.keys(await session.readState(["scale"])), ["scale"]);
});

test("a hundred and one queued runs each see the state the one before left", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const runs = Array.from({ length: 101 }, (_, i) => session.run({ x: floats(i, 1) }));
  for (const [i, run] of runs.entries()) {
    assert.deepEqual([...float32Of((await run).before!)], [(i * i - i) / 2, i]);
  }
  assert.deepEqual(await sumOf(session), [5050, 101]);
});

test("the engine writes two buffers in turn, and what the binding copies of them is freed at once", async () => {
  const length = 1 << 20;
  const initial = new Float32Array(length);
  prepareEngineThread();
  await using session = await openEngineSession(
    postModel(accumulator(), "the model"),
    engineOptions({ threads: 1 }),
    [bound({ type: "float32", dims: [length], data: initial }), constant(1)],
  );
  const x = { x: { type: "float32", dims: [1], data: Float32Array.of(1) } } as const;
  await session.run(x, []);
  assert.equal(initial[0], 0, "the first run reads the first buffer");
  await session.run(x, []);
  assert.equal(initial[0], 2, "the second run writes it");
  await session.run(x, []);
  assert.equal(initial[0], 2);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 20; i++) await session.run(x, []);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < initial.byteLength, `${grown} bytes of array buffers were left by 20 runs of 4 MiB`);
});

test("the installed binding stops at the sentinel when the outputs are written and before it copies them", async () => {
  const edited = await editSource(accumulator(), {
    taps: [],
    freeDimensions: {},
    sentinel: true,
    nodeNames: false,
  });
  const model = postModel(edited.source, "the model");
  assert.ok(model.kind === "bytes");
  const session = await InferenceSession.create(model.bytes);
  assert.equal(session.outputNames[0], sentinelName, "outputs are copied in the graph's order");
  const one = () => new Tensor("float32", Float32Array.of(1), [1]);
  const next = new Float32Array(1);
  const run = session.run(
    { x: one(), sum: one(), scale: new Tensor("float32", Float32Array.of(4), []) },
    { [sentinelName]: null, next_sum: new Tensor("float32", next, [1]) },
  );
  await assert.rejects(run, metSentinel);
  assert.equal(next[0], 5);
  await session.release();
});

test("outputs of a rank that only the run knows are fetched beside state", async () => {
  await using session = await openStatefulSession(reshaper(), {
    state: [
      {
        input: "shape",
        output: "same_shape",
        initial: { type: "int64", dims: [2], data: BigInt64Array.of(2n, 1n) },
      },
    ],
  });
  assert.deepEqual(session.outputs, [{ name: "y", type: "float32", dims: [] }]);
  assert.deepEqual(await session.run({ x: floats(1, 2) }), {
    y: { type: "float32", dims: [2, 1], data: Float32Array.of(1, 2) },
  });
});

test("reading and writing take their turn among the runs", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const x = floats(1, 1);
  const [, early, , , late] = await Promise.all([
    session.run({ x }),
    session.readState(["sum"]),
    session.run({ x }),
    session.writeState({ sum: floats(50, 60) }),
    session.run({ x }),
  ]);
  assert.deepEqual(early.sum, floats(1, 1));
  assert.deepEqual(late.before, floats(50, 60));
  assert.deepEqual(await sumOf(session), [51, 61]);
  await session.writeState({ scale: { type: "float32", dims: [], data: Float32Array.of(-1) } });
  await session.run({ x });
  assert.deepEqual(await sumOf(session), [50, 60]);
});

test("what was read does not change with the runs after it", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const { sum } = await session.readState();
  for (let i = 0; i < 3; i++) await session.run({ x: floats(1, 1) });
  assert.deepEqual(sum, floats(0, 0));
});

test("state and outputs travel through shared memory", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const source = shared(2);
  source.set([7, 8]);
  await session.writeState({ sum: { type: "float32", dims: [2], data: source } });
  const before = shared(2);
  const outputs = await session.run({ x: floats(1, 1) }, { fetches: ["count"], into: { before } });
  assert.deepEqual(Object.keys(outputs), ["count"]);
  assert.deepEqual([...before], [7, 8]);
  assert.deepEqual([...source], [7, 8], "the session has a copy");
  const target = shared(2);
  await session.readStateInto({ sum: target });
  assert.deepEqual([...target], [8, 9]);
});

test("targets that are not shared or of another size or type are refused", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
  assert.equal(await code(session.readStateInto({ sum: new Float32Array(2) })), "TENSOR_TYPE_MISMATCH");
  assert.equal(await code(session.readStateInto({ sum: shared(3) })), "TENSOR_TYPE_MISMATCH");
  const bits = new Int32Array(new SharedArrayBuffer(8));
  assert.equal(await code(session.readStateInto({ sum: bits })), "TENSOR_TYPE_MISMATCH");
  const into = (before: Float32Array) => session.run({ x: floats(1, 1) }, { into: { before } });
  assert.equal(await code(into(new Float32Array(2))), "TENSOR_TYPE_MISMATCH");
  assert.equal(await code(into(shared(3))), "RUN_FAILED", "only the run knows the size of this output");
  assert.deepEqual(await sumOf(session), [0, 0]);
});

test("a failed run leaves the state of the last good one", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  await session.run({ x: floats(1, 2) });
  const queued = [session.run({ x: floats(1, 2, 3) }), session.run({ x: floats(1, 2) })] as const;
  assert.equal((await failureOf(queued[0])).code, "RUN_FAILED");
  assert.deepEqual((await queued[1]).before, floats(1, 2));
  assert.deepEqual(await sumOf(session), [2, 4]);
});

test("a new value of another shape than the state is a failed run", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero(1) });
  assert.equal((await failureOf(session.run({ x: floats(1, 2) }))).code, "RUN_FAILED");
  assert.deepEqual(await sumOf(session), [0]);
});

test("initial values are copied, or moved with transferState", async () => {
  const data = Float32Array.of(1, 2);
  const state = [bound({ type: "float32", dims: [2], data }), constant(1)];
  {
    await using session = await openStatefulSession(accumulator(), { state });
    data.fill(9);
    assert.deepEqual(await sumOf(session), [1, 2]);
  }
  await using session = await openStatefulSession(accumulator(), { state, transferState: true });
  assert.equal(data.length, 0);
  assert.deepEqual(await sumOf(session), [9, 9]);
  const failure = await failureOf(openStatefulSession(accumulator(), { state }));
  assert.equal(failure.code, "INPUT_SHAPE_MISMATCH");
});

test("initial values moved in one buffer do not become one state", async () => {
  const data = new Float32Array(2);
  const zero: TensorData = { type: "float32", dims: [2], data };
  await using session = await openStatefulSession(accumulator(), {
    state: [
      bound(zero),
      { input: "scale", output: null, initial: { ...zero, dims: [], data: data.subarray(1) } },
    ],
    transferState: true,
  });
  await session.writeState({ scale: { type: "float32", dims: [], data: Float32Array.of(2) } });
  assert.deepEqual(await sumOf(session), [0, 0]);
});

test("wrong bindings are refused by name", async () => {
  const opening = (...state: StateBinding[]) => failureOf(openStatefulSession(accumulator(), { state }));
  const two = floats(0, 0);
  const cases: [StateBinding[], string, RegExp][] = [
    [[{ input: "nothing", output: null, initial: two }], "STATE_INVALID", /"nothing", which is no input/],
    [[{ input: "sum", output: "nothing", initial: two }], "STATE_INVALID", /"nothing", which is no output/],
    [[bound(two), { input: "sum", output: null, initial: two }], "STATE_INVALID", /"sum".*bound already/],
    [
      [bound(two), { input: "x", output: "next_sum", initial: two }],
      "STATE_INVALID",
      /"next_sum".*bound already/,
    ],
    [
      [{ ...constant(1), output: "count" }],
      "STATE_INVALID",
      /"count" \(int64 \[1\]\).*"scale" \(float32 \[\]\)/,
    ],
    [[bound({ type: "float32", dims: [2, 1], data: new Float32Array(2) })], "INPUT_SHAPE_MISMATCH", /"sum"/],
    [[bound({ type: "float64", dims: [2], data: new Float64Array(2) })], "TENSOR_TYPE_MISMATCH", /"sum"/],
  ];
  for (const [state, code, message] of cases) {
    const failure = await opening(...state);
    assert.equal(failure.code, code);
    assert.match(failure.message, message);
  }
});

test("state is neither fed nor fetched by the caller, and unknown state is refused", async () => {
  await using session = await openStatefulSession(accumulator(), { state: fromZero() });
  const x = floats(1, 1);
  const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
  assert.equal(await code(session.run({ x, sum: x })), "INPUT_UNKNOWN");
  assert.equal(await code(session.run({ x }, { fetches: ["next_sum"] })), "OUTPUT_UNKNOWN");
  assert.equal(await code(session.readState(["x"])), "STATE_INVALID");
  assert.equal(await code(session.writeState({ x })), "STATE_INVALID");
  assert.equal(await code(session.readStateInto({ x: shared(2) })), "STATE_INVALID");
  assert.equal(await code(session.writeState({ sum: floats(1) })), "INPUT_SHAPE_MISMATCH");
  assert.deepEqual(await sumOf(session), [0, 0]);
});

test("two thousand runs of a 4 MiB state do not grow the process", async () => {
  const length = 1 << 20;
  const resident = () => process.memoryUsage().rss / 2 ** 20;
  await using session = await openStatefulSession(accumulator(), {
    threads: 1,
    state: [bound({ type: "float32", dims: [length], data: new Float32Array(length) }), constant(1)],
    transferState: true,
  });
  const x = floats(1);
  const runs = async (count: number) => {
    for (let i = 0; i < count; i++) await session.run({ x }, { fetches: [] });
  };
  await runs(100);
  const before = resident();
  await runs(1900);
  const grown = resident() - before;
  const { sum } = await session.readState();
  assert.equal(sum!.data[length - 1], 2000);
  assert.ok(grown < 40, `grew by ${grown.toFixed(0)} MiB`);
});

test("closing frees the state", async () => {
  const length = 16 << 20;
  const resident = () => process.memoryUsage().rss / 2 ** 20;
  const session = await openStatefulSession(accumulator(), {
    threads: 1,
    state: [bound({ type: "float32", dims: [length], data: new Float32Array(length).fill(1) }), constant(1)],
    transferState: true,
  });
  await session.run({ x: floats(1) }, { fetches: [] });
  const open = resident();
  await session.close();
  const freed = open - resident();
  assert.ok(freed > 100, `of two buffers of 64 MiB, ${freed.toFixed(0)} MiB were freed`);
  assert.equal((await failureOf(session.readState())).code, "SESSION_CLOSED");
});
