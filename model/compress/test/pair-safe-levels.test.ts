/** Weights that no processor's 16-bit sums of two products can overflow, and how much finer they are than 7 bits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import fc from "fast-check";
import { mostPairSum, pairSafeLevels } from "../src/weights/pair-safe-levels.ts";
import { quantiseWeights } from "../src/weights/quantise-weights.ts";
import { dequantise } from "../src/weights/quantised-weights.ts";

function quantised(weights: Float32Array, columns: number, least: number, maxLevel: 63 | 127) {
  return quantiseWeights(
    {
      weights,
      rows: weights.length / columns,
      columns,
      importanceOf: () => new Float32Array(columns).fill(1),
      leastScaleOf: () => least,
    },
    { bits: 8, levels: "uniform", granularity: "channel", blockSize: null, maxLevel },
  );
}

/** Levels of rows, [O, K], where sums overflow. */
function levelsOf(weights: Float32Array, columns: number, least = 0): Int8Array {
  const found = quantised(weights, columns, least, 63);
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

test("weights too small for a float32 scale are rounded to 0, and their row has a scale that is a number", () => {
  for (const row of [[0, -1e-45], [-1e-45], [1e-45, 1e-44, 5e-44], [1e-39, -1e-38], [1e-36, -1e-37]]) {
    for (const maxLevel of [63, 127] as const) {
      const { scales, codes, levels } = quantised(Float32Array.from(row), row.length, 0, maxLevel);
      assert.ok(scales[0]! >= 2 ** -126, `scale ${scales[0]} of ${row.join(", ")}`);
      assert.deepEqual(
        Array.from(codes, (code) => levels[code]! + 0),
        row.map(() => 0),
      );
    }
  }
});

for (const [weights, scale, low, high] of [
  [[1, 0.25], 1 / 102, -127, 102],
  [[1, 0.5], 1 / 80, -127, 88],
  [[1, 1], 1 / 64, -127, 64],
  [[1, 0.9], 1 / 127, -127, 64], // both are cut
  [[-1, 1], 1 / 127, -127, 127], // a pair of two signs takes from each other
  [[-1, -0.5, 0.2], 1 / 100, -78, 127],
  [[1], 1 / 127, -127, 127],
] as const) {
  test(`at ${scale.toFixed(4)}, levels of ${weights.join(", ")} are cut to ${low} .. ${high}`, () => {
    assert.deepEqual(pairSafeLevels(Float32Array.from(weights))(scale), { low, high });
  });
}

test("a row with one weight far larger than the others errs less than in 7 bits, by the bit it wins", () => {
  const random = createRandom(4);
  const row = Float32Array.from({ length: 400 }, (_, i) => (i === 9 ? 8 : random.normal()));
  const errorOf = (maxLevel: 63 | 127) => {
    const found = dequantise(quantised(row, row.length, 0, maxLevel));
    return row.reduce((sum, w, i) => sum + (w - found[i]!) ** 2, 0);
  };
  const sevenBits = row.reduce((sum, w) => sum + (w - (Math.round((w * 63) / 8) * 8) / 63) ** 2, 0);
  assert.ok(errorOf(63) < 0.5 * sevenBits, `${errorOf(63)}, 7 bits ${sevenBits}`);
  assert.ok(errorOf(127) <= errorOf(63));
});

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
