/** The network of the demonstration, and the algebra under it. */
import assert from "node:assert/strict";
import test from "node:test";
import { createRandom } from "@cupel/base";
import { evaluate } from "@cupel/compress";
import { checkModel, encodeModelBytes } from "@cupel/onnx";
import { parsePreprocessing, preprocessingFor, syntheticInspection } from "@cupel/vision";
import { channelStatistics } from "../src/demo/channel-statistics.ts";
import { solveLastLayer } from "../src/demo/last-layer.ts";
import { exemplarFilters, samplePatches } from "../src/demo/patch-filters.ts";
import { randomFeatureNetwork } from "../src/demo/random-feature-network.ts";
import { crossProduct, gram, matrix, solvePositive, withRidge } from "../src/demo/ridge-regression.ts";

const near = (actual: ArrayLike<number>, expected: readonly number[], within = 1e-9) =>
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) < within, `${actual[i]} is not ${value}`);
  });

test("a symmetric system is solved", () => {
  // [[4, 2], [2, 3]] [1, -2]' = [0, -4]'
  const a = matrix(2, 2, Float64Array.of(4, 2, 2, 3));
  near(solvePositive(a, matrix(2, 1, Float64Array.of(0, -4))).values, [1, -2]);
});

test("a matrix that is not positive definite is refused", () => {
  const a = matrix(2, 2, Float64Array.of(1, 2, 2, 1));
  assert.throws(() => solvePositive(a, matrix(2, 1)), /positive definite at row 1/);
});

test("X'X is the cross product of X with itself, whatever the number of rows", () => {
  const random = createRandom(1);
  for (const rows of [1, 4, 7]) {
    const x = matrix(
      rows,
      3,
      new Float64Array(rows * 3).map(() => random.normal()),
    );
    near(gram(x).values, [...crossProduct(x, x).values]);
  }
});

test("ridge regression shrinks as its formula says", () => {
  // One feature with x = 1, 2, 3 and y = 2x: w = x'y / (x'x + lambda) = 28 / (14 + 14).
  const x = matrix(3, 1, Float64Array.of(1, 2, 3));
  const y = matrix(3, 1, Float64Array.of(2, 4, 6));
  near(solvePositive(withRidge(gram(x), 14), crossProduct(x, y)).values, [1]);
});

test("channel statistics are those of each channel", () => {
  const { mean, variance } = channelStatistics({
    type: "float32",
    dims: [2, 2, 1, 2],
    data: Float32Array.of(1, 3, 10, 10, 5, 7, 10, 10),
  });
  near(mean, [4, 10]);
  near(variance, [5, 0], 1e-5);
});

test("filters are of unit length, and patches lie in the middle", () => {
  const random = createRandom(1);
  const data = new Float32Array(6 * 81).map(() => random.normal());
  const maps = { type: "float32" as const, dims: [6, 1, 9, 9], data };
  const patches = samplePatches(maps, { side: 3, perMap: 1, jitter: 0 }, random);
  near(patches.values.slice(0, 3), [...data.slice(30, 33)]);
  const filters = exemplarFilters(patches, 4, random);
  for (let f = 0; f < 4; f++)
    near([filters.slice(f * 9, f * 9 + 9).reduce((sum, w) => sum + w * w, 0)], [1], 1e-5);
});

test("the last layer separates what can be separated, and a dead feature gets no say", () => {
  const data = Float32Array.of(0, 5, 0.1, 5, 1, 5, 1.1, 5);
  const { weights, bias } = solveLastLayer(
    { type: "float32", dims: [4, 2], data },
    Int32Array.of(0, 0, 1, 1),
    2,
  );
  const score = (x: number, c: number) => weights[c * 2]! * x + weights[c * 2 + 1]! * 5 + bias[c]!;
  assert.ok(score(0, 0) > score(0, 1) && score(1, 1) > score(1, 0));
  assert.deepEqual([weights[1], weights[3]], [0, 0]);
});

test("a network of 280 pictures is far above chance on others, and the same for the same seed", async () => {
  const preprocessing = parsePreprocessing(
    "resize=short-side:32,crop=18",
    preprocessingFor([null, 1, 64, 64]),
  );
  const options = {
    pictures: syntheticInspection({ count: 280, seed: 1 }),
    preprocessing,
    seed: 1,
    threads: 2,
  };
  const model = await randomFeatureNetwork(options);
  checkModel(model);
  const bytes = encodeModelBytes(model);
  const { top1 } = await evaluate(bytes, syntheticInspection({ count: 210, seed: 2 }), preprocessing);
  assert.ok(top1! > 0.5, `top-1 ${top1}, chance is 0.14`);
  assert.deepEqual(encodeModelBytes(await randomFeatureNetwork(options)), bytes);
});
