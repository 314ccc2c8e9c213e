/** Which models have rows, and what views keep in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValueInfo } from "@cupel/runtime";
import { hasRows, takeRows } from "../../src/batching/rows.ts";

type Dims = ValueInfo["dims"];

function has(
  inputs: readonly Dims[],
  outputs: readonly Dims[],
  type: ValueInfo["type"] = "float32",
): boolean {
  const values = (all: readonly Dims[]) => all.map((dims, i) => ({ name: `${i}`, type, dims }));
  return hasRows(values(inputs), values(outputs));
}

test("a model has rows where its first dimension is open, everywhere the same, and nothing else", () => {
  assert.ok(has([["n", 3]], [["n", 2]]));
  assert.ok(has([["", 3]], [["", 2], [""]]));
  assert.ok(has([[-1, 3]], [["", 2]]));
  assert.ok(has([["n", 3], ["n"]], [["n", 2]]));
  assert.ok(has([["n", 3, "h", "w"]], [["n", "anchors", 84]]));

  assert.ok(!has([[1, 3]], [[1, 2]]));
  assert.ok(!has([["n", 3]], [["m", 2]]));
  assert.ok(
    !has(
      [
        ["n", 3],
        ["m", 3],
      ],
      [["n", 2]],
    ),
  );
  assert.ok(
    !has(
      [
        ["n", 3],
        [1, 3],
      ],
      [["n", 2]],
    ),
  );
  assert.ok(!has([["n", 3]], [["n", 2], [7]]));
  assert.ok(!has([["n", "n"]], [["n", 2]]));
  assert.ok(!has([["n", 3]], [["n", "n"]]));
  assert.ok(!has([[]], [["n"]]));
  assert.ok(!has([], [["n"]]));
});

test("a vector is data; an output whose size the input does not say may depend on the values; 4 bits share bytes", () => {
  assert.ok(!has([["n"]], [["n"]]));
  assert.ok(!has([["n", 3, 8, 8]], [["n", "found", 6]]));
  assert.ok(!has([["n", 3]], [["n", 3]], "int4"));
});

test("rows are views unless they keep much more in memory than they are", () => {
  const tensor = (rows: number, width: number) =>
    ({ type: "float32", dims: [rows, width], data: new Float32Array(rows * width) }) as const;
  const small = tensor(16, 16);
  assert.equal(takeRows(small, 3, 1).data.buffer, small.data.buffer);
  const large = tensor(8, 2 ** 17);
  assert.equal(takeRows(large, 4, 2).data.buffer, large.data.buffer);
  const one = takeRows(large, 4, 1);
  assert.deepEqual([one.dims, one.data.buffer.byteLength], [[1, 2 ** 17], 2 ** 19]);
});
