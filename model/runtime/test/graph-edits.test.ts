import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeModelBytes, Tensor, type Value, writeModelFile } from "@cupel/onnx";
import { measureMemory, openSession, randomFeeds, tryIsolated } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { doubler, matrixModel } from "./tiny-models.ts";

test("a tap is an additional output, after the model's own", async () => {
  await using session = await openSession(doubler(), { taps: ["twice"] });
  assert.deepEqual(
    session.outputs.map((output) => output.name),
    ["y", "twice"],
  );
  const { y, twice } = await session.run({
    x: { type: "float32", dims: [1, 3], data: Float32Array.of(1, -2, 3) },
  });
  assert.deepEqual([...twice!.data], [2, -4, 6]);
  assert.deepEqual([...y!.data], [2, 0, 6]);
});

test("an unknown tap is refused by name", async () => {
  const failure = await failureOf(openSession(doubler(), { taps: ["thrice"] }));
  assert.equal(failure.code, "TAP_UNKNOWN");
  assert.match(failure.message, /"thrice"/);
});

test("a free dimension is fixed wherever it occurs", async () => {
  await using session = await openSession(doubler(), { freeDimensions: { n: 2 } });
  assert.deepEqual(session.inputs[0]!.dims, [2, 3]);
  assert.deepEqual(session.outputs[0]!.dims, [2, 3]);
  assert.equal(
    (await failureOf(session.run(randomFeeds([{ ...session.inputs[0]!, dims: ["n", 3] }], 1)))).code,
    "INPUT_SHAPE_MISMATCH",
  );
});

test("an unknown free dimension is refused with the known ones", async () => {
  const failure = await failureOf(openSession(doubler(), { freeDimensions: { batch: 2 } }));
  assert.equal(failure.code, "DIMENSION_UNKNOWN");
  assert.match(failure.message, /symbolic dimensions are n/);
});

test("weights in a file beside the model are found, with taps too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-test-"));
  try {
    const ones = Tensor.float32([1024, 512], new Float32Array(1024 * 512).fill(1));
    const path = join(folder, "model.onnx");
    const { dataPath } = await writeModelFile(matrixModel(ones), path, { externalData: {} });
    assert.ok(dataPath, "the weights are in a file of their own");
    for (const options of [{}, { taps: ["y"] }, { freeDimensions: { n: 1 } }]) {
      await using session = await openSession(path, options);
      const x = { type: "float32" as const, dims: [1, 1024], data: new Float32Array(1024).fill(0.5) };
      const { y } = await session.run({ x });
      assert.deepEqual(y!.data, new Float32Array(512).fill(512));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a model in which nodes have the same name runs: in a session, from a file with its weights beside it, in a trial, and for its memory", async () => {
  const model = matrixModel(Tensor.float32([1024, 512], new Float32Array(1024 * 512).fill(1)));
  const [y] = model.graph.outputs;
  const again = (x: Value) =>
    model.graph.append({ opType: "Neg", name: "same", inputs: [x], type: x.type! }).output;
  model.graph.outputs[0] = again(again(y!));
  const folder = await mkdtemp(join(tmpdir(), "cupel-test-"));
  try {
    const { path } = await writeModelFile(model, join(folder, "model.onnx"), { externalData: {} });
    for (const source of [encodeModelBytes(model), path]) {
      await using session = await openSession(source, { threads: 1 });
      const x = { type: "float32" as const, dims: [1, 1024], data: new Float32Array(1024).fill(0.5) };
      const [sums] = Object.values(await session.run({ x }));
      assert.deepEqual(sums!.data, new Float32Array(512).fill(512));
    }
    assert.deepEqual((await tryIsolated(path, { threads: 1 })).fed, [{ name: "x", dims: [1, 1024] }]);
    const { wholeProcess } = await measureMemory(path, { threads: 1, runs: 1, repeats: 1 });
    assert.notEqual(wholeProcess, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});
