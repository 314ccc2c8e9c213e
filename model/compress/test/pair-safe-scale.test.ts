/** Weights that no processor's 16-bit sums of two products can overflow, and how much finer they are than 7 bits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import fc from "fast-check";
import { mostPairSum, pairSafeScale } from "../src/weights/pair-safe-scale.ts";
import { quantiseWeights } from "../src/weights/quantise-weights.ts";

/** Levels of a row, [O, K], where sums overflow. */
function levelsOf(weights: Float32Array, columns: number, least = 0): Int8Array {
  const found = quantiseWeights(
    {
      weights,
      rows: weights.length / columns,
      columns,
      importanceOf: () => new Float32Array(columns).fill(1),
      leastScaleOf: () => least,
    },
    { bits: 8, levels: "uniform", granularity: "channel", blockSize: null, maxLevel: 63 },
  );
  return Int8Array.from(found.codes, (code) => found.levels[code]!);
}

/** The most that two levels of one sign add up to. */
function pairSum(levels: Int8Array): number {
  const sorted = Array.from(levels).sort((a, b) => a - b);
  const [lowest = 0, low = 0] = sorted;
  const [highest = 0, high = 0] = sorted.reverse();
  return Math.max(Math.max(0, highest) + Math.max(0, high), -Math.min(0, lowest) - Math.min(0, low));
}

const rowOfWeights = fc.oneof(
  fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
  fc.array(fc.constantFrom(1, -1, 0.5, 0.9999, 1e-3, 0), { minLength: 1, maxLength: 20 }),
  fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 100), max: 2 ** 100 }), {
    minLength: 1,
    maxLength: 5,
  }),
);

test("no two weights of a row overflow, whatever the row and the least scale", () => {
  fc.assert(
    fc.property(rowOfWeights, fc.constantFrom(0, 1e-3, 1), (weights, least) => {
      const row = Float32Array.from(weights);
      assert.ok(pairSum(levelsOf(row, row.length, least)) <= mostPairSum);
    }),
  );
});

for (const [weights, level] of [
  [[1, 0.25], 102], // 102 + 26
  [[1, 0.5], 85], // 85 + 43
  [[1, 1], 64],
  [[-1, 1], 127], // a pair of two signs takes from each other
  [[-1, -1, 0.2], 64],
  [[1], 127],
] as const) {
  test(`the largest of ${weights.join(", ")} gets level ${level}`, () => {
    assert.equal(Math.round(1 / pairSafeScale(Float32Array.from(weights))), level);
  });
}

test("the engine sums such weights exactly, in any order", async () => {
  const random = createRandom(3);
  const [rows, columns] = [16, 64];
  const weights = Float32Array.from({ length: rows * columns }, (_, i) => {
    const value = random.normal();
    return i % columns === 7 ? 5 * value : value;
  });
  for (let row = 0; row < rows; row++) weights.set(shuffled(row), row * columns);
  const levels = levelsOf(weights, columns);
  assert.ok(Math.max(...levels) > 64, "rows use more than 7 bits");

  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("uint8", [2, columns])));
  graph.inputs.push(x);
  const w = graph.addConstant("w", Tensor.int8([columns, rows], transposed(levels, rows, columns)));
  const sum = graph.append({ opType: "MatMulInteger", inputs: [x, w], outputs: ["y"] });
  sum.output.type = tensorType("int32", [2, rows]);
  graph.outputs.push(sum.output);
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  // All at the top is the worst there is; where a row's large weights have one sign, only they.
  const data = new Uint8Array(2 * columns).fill(255);
  for (let k = 0; k < columns; k++) data[columns + k] = k % 2 === 0 ? 255 : 254;
  const { y } = await session.run({ x: { type: "uint8", dims: [2, columns], data } });
  const wanted = Array.from({ length: 2 * rows }, (_, i) => {
    const [image, row] = [Math.floor(i / rows), i % rows];
    let total = 0;
    for (let k = 0; k < columns; k++) total += data[image * columns + k]! * levels[row * columns + k]!;
    return total;
  });
  assert.deepEqual(Array.from(y!.data as Int32Array), wanted);

  function shuffled(row: number): Float32Array {
    const own = weights.slice(row * columns, (row + 1) * columns);
    return Float32Array.from(random.permutation(columns), (at) => own[at]!);
  }
});

function transposed(levels: Int8Array, rows: number, columns: number): Int8Array {
  return Int8Array.from(
    { length: levels.length },
    (_, i) => levels[(i % rows) * columns + Math.floor(i / rows)]!,
  );
}
