import assert from "node:assert/strict";
import { test } from "node:test";
import { float32Of, randomFeeds, type ValueInfo } from "@cupel/runtime";

const image: ValueInfo = { name: "image", type: "float32", dims: ["N", 3, 64, 64] };

test("the same seed draws the same feeds, another seed others", () => {
  assert.deepEqual(randomFeeds([image], 7), randomFeeds([image], 7));
  assert.notDeepEqual(randomFeeds([image], 7), randomFeeds([image], 8));
});

test("symbolic dimensions are 1, the first one the batch", () => {
  assert.deepEqual(randomFeeds([image], 1).image!.dims, [1, 3, 64, 64]);
  assert.deepEqual(randomFeeds([image], 1, { batch: 5 }).image!.dims, [5, 3, 64, 64]);
});

test("floats have mean 0 and variance 1", () => {
  const data = float32Of(randomFeeds([image], 3).image!);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length - mean ** 2;
  // Five standard errors at n = 12288.
  assert.ok(Math.abs(mean) < 5 / Math.sqrt(data.length), `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / data.length), `variance ${variance}`);
});

test("halves are finite, and 4-bit tensors take half a byte an element", () => {
  const half = randomFeeds([{ name: "h", type: "float16", dims: [1000] }], 1).h!;
  assert.ok([...half.data].every((bits) => (Number(bits) & 0x7c00) !== 0x7c00));
  assert.equal(randomFeeds([{ name: "q", type: "int4", dims: [3, 3] }], 1).q!.data.length, 5);
});

test("a type without arrays is refused", () => {
  assert.throws(() => randomFeeds([{ name: "s", type: "string", dims: [1] }], 1), {
    code: "TENSOR_TYPE_MISMATCH",
  });
});
