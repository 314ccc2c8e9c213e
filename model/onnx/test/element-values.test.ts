/** Conversions against numpy and ml_dtypes (fixtures/make_fixtures.py). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readBfloat16, readFloat16, writeBfloat16, writeFloat16 } from "../src/graph/half.ts";
import { bytesOf, elementTypes, encodeModelBytes, packIntegers, readModel, Tensor } from "../src/index.ts";
import { modelOf } from "./support/build.ts";
import { fixtureLines } from "./support/files.ts";

interface FloatRow {
  readonly type: "float16" | "bfloat16";
  readonly bits: number[];
  readonly values: number[];
  readonly write?: true;
}

for (const { type, bits, values, write } of fixtureLines<FloatRow>("floats.jsonl")) {
  test(`${type} ${write ? "is rounded to nearest, ties to even" : "patterns have numpy's values"}`, () => {
    const read = type === "float16" ? readFloat16 : readBfloat16;
    const written = type === "float16" ? writeFloat16 : writeBfloat16;
    if (!write) assert.deepEqual([...read(Uint16Array.from(bits))], values);
    assert.deepEqual([...written(values)], bits);
  });
}

test("NaN and infinities keep their meaning in 16 bits", () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  assert.deepEqual([...readFloat16(writeFloat16(special))], special);
  assert.deepEqual([...readBfloat16(writeBfloat16(special))], special);
});

interface PackedRow {
  readonly type: "int4" | "uint4" | "int2" | "uint2";
  readonly values: number[];
  readonly bytes: number[];
}

test("integers under 8 bits are packed as onnx packs them", () => {
  for (const { type, values, bytes } of fixtureLines<PackedRow>("packed.jsonl")) {
    const packed = packIntegers(values, elementTypes[type].bits);
    assert.deepEqual([...packed], bytes, `${type} x ${values.length}`);
    assert.deepEqual(Tensor.fromBytes(type, [values.length], packed).toNumbers(), values);
  }
});

test("64-bit integers are exact as bigint", () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n];
  const tensor = Tensor.fromBytes("int64", [3], bytesOf(BigInt64Array.from(values)));
  assert.deepEqual(tensor.toBigInts(), values);
});

test("an unaligned view is read right and an aligned one is not copied", () => {
  const buffer = new ArrayBuffer(12);
  new DataView(buffer).setFloat32(1, 1.5, true);
  new DataView(buffer).setFloat32(8, 2.5, true);
  assert.deepEqual([...Tensor.fromBytes("float32", [1], new Uint8Array(buffer, 1, 4)).toFloat32()], [1.5]);
  const aligned = Tensor.fromBytes("float32", [1], new Uint8Array(buffer, 8, 4)).toFloat32();
  assert.equal(aligned[0], 2.5);
  assert.equal(aligned.buffer, buffer);
});

test("weights of a file are right wherever they lie in it", () => {
  for (const pad of ["", "a", "ab", "abc", "abcd"]) {
    const model = modelOf({ x: [1] });
    model.producerName = pad;
    model.graph.addConstant("w", Tensor.float32([3], [1, 2, 3]));
    model.graph.addConstant("i", Tensor.int64([2], [-5, 7]));
    const bytes = encodeModelBytes(model);
    for (const given of [bytes, Uint8Array.from(bytes)]) {
      const { graph } = readModel(given);
      assert.deepEqual([...graph.value("w")!.constant!.toFloat32()], [1, 2, 3], `pad ${pad.length}`);
      assert.deepEqual(graph.value("i")!.constant!.toNumbers(), [-5, 7], `pad ${pad.length}`);
    }
  }
});
