import assert from "node:assert/strict";
import { test } from "node:test";
import { float32Of, openSession, type TensorData } from "@cupel/runtime";
import { engineOptions } from "../src/session/engine-options.ts";
import { openEngineSession } from "../src/session/engine-session.ts";
import { failureOf } from "./errors-of.ts";
import { doubler, identity } from "./tiny-models.ts";

const twoOfEach: readonly TensorData[] = [
  { type: "float32", dims: [2], data: Float32Array.of(1.5, -2) },
  { type: "float64", dims: [2], data: Float64Array.of(1.5, -2) },
  // 1 and 65504, the largest half.
  { type: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0x7bff) },
  { type: "int8", dims: [2], data: Int8Array.of(-128, 127) },
  { type: "int16", dims: [2], data: Int16Array.of(-32768, 32767) },
  { type: "int32", dims: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  { type: "int64", dims: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  { type: "uint8", dims: [2], data: Uint8Array.of(0, 255) },
  { type: "uint16", dims: [2], data: Uint16Array.of(0, 65535) },
  { type: "uint32", dims: [2], data: Uint32Array.of(0, 2 ** 32 - 1) },
  { type: "uint64", dims: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
  { type: "bool", dims: [2], data: Uint8Array.of(1, 0) },
];

for (const tensor of twoOfEach) {
  test(`a ${tensor.type} tensor goes in and comes out unchanged`, async () => {
    await using session = await openSession(identity(tensor.type));
    assert.deepEqual(session.inputs, [{ name: "x", type: tensor.type, dims: ["n"] }]);
    const { y } = await session.run({ x: tensor });
    assert.deepEqual(y, tensor);
  });
}

test("an empty tensor is a tensor", async () => {
  await using session = await openSession(identity("float32"));
  const { y } = await session.run({ x: { type: "float32", dims: [0], data: new Float32Array(0) } });
  assert.deepEqual(y, { type: "float32", dims: [0], data: new Float32Array(0) });
});

test("a transferred feed is moved, and using it again says so", async () => {
  await using session = await openSession(identity("float32"));
  const x: TensorData = { type: "float32", dims: [2], data: Float32Array.of(1, 2) };
  const { y } = await session.run({ x }, { transfer: true });
  assert.deepEqual([...y!.data], [1, 2]);
  assert.equal(x.data.length, 0);
  assert.match((await failureOf(session.run({ x }))).message, /moved away by an earlier run/);
});

test("a feed may be a part of a larger buffer, a slice of Node's pool, or shared memory", async () => {
  await using session = await openSession(identity("uint8"));
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  shared.set([5, 6]);
  const large = Uint8Array.from({ length: 100 }, (_, i) => i);
  for (const data of [shared, large.subarray(5, 7), Buffer.from([5, 6])]) {
    for (const transfer of [false, data !== large && data.buffer !== large.buffer]) {
      const { y } = await session.run({ x: { type: "uint8", dims: [2], data } }, { transfer });
      assert.deepEqual([...y!.data], [5, 6]);
    }
  }
  assert.equal(large.length, 100);
});

test("an output's buffer is exactly the output, and can be moved on", async () => {
  await using session = await openEngineSession(
    { kind: "bytes", bytes: new Uint8Array(doubler()).buffer, name: "doubler" },
    engineOptions({}),
  );
  const x: TensorData = { type: "float32", dims: [1, 3], data: Float32Array.of(1, 2, 3) };
  const { outputs } = await session.run({ x }, null);
  const { data } = outputs.y!;
  const { buffer } = data;
  assert.ok(buffer instanceof ArrayBuffer);
  assert.equal(buffer.byteLength, data.byteLength);
  structuredClone(data, { transfer: [buffer] });
  assert.equal(buffer.detached, true);
});

test("float32Of is a view, and refuses other types", () => {
  const data = Float32Array.of(1);
  assert.equal(float32Of({ type: "float32", dims: [1], data }), data);
  assert.throws(() => float32Of({ type: "int8", dims: [1], data: Int8Array.of(1) }), {
    code: "TENSOR_TYPE_MISMATCH",
  });
});
