/** Outputs that no other task knows are values: told as they are and compared one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModel, type Model, Tensor, tensorType } from "@cupel/onnx";
import { features, isClassifier, openPredictor } from "@cupel/predict";
import { channelMeans, noiseImages, plain } from "./support/images.ts";
import { colourClassifier, modelOf, node } from "./support/models.ts";

/** The means of the channels under the shape given; of one image a run where its rows are not images. */
function reshapedMeans(
  batch: number | string,
  shape: readonly number[],
  declared: readonly (number | string)[],
) {
  const model = modelOf(
    (graph, x) => {
      const to = graph.graph.addConstant("to", Tensor.int64([shape.length], shape));
      return node(graph, "Reshape", "y", node(graph, "GlobalAveragePool", "pool", x), to);
    },
    [batch, 3, 8, 8],
  );
  model.graph.outputs[0]!.type = tensorType("float32", declared);
  return model;
}

async function predicted(model: Model, count: number) {
  await using predictor = await openPredictor(encodeModel(model), { threads: 1, preprocessing: plain });
  assert.ok(predictor.taskName === "features", predictor.taskName);
  const values: number[][] = [];
  for await (const { prediction } of predictor.predict(noiseImages(count))) {
    values.push(Array.from(prediction[0]!.values));
  }
  return values;
}

function assertMeans(values: readonly (readonly number[])[], count: number): void {
  assert.equal(values.length, count);
  for (const [index, found] of values.entries()) {
    const expected = channelMeans(index);
    assert.equal(found.length, 3);
    assert.ok(found.every((value, i) => Math.abs(value - expected[i]!) < 1e-5));
  }
}

test("rows that are not images are the values of the one image of their run", async () => {
  const boxes = reshapedMeans(1, [3, 1], ["rows", 1]);
  assertMeans(await predicted(boxes, 3), 3);
  assert.equal(isClassifier(reshapedMeans(1, [1, 3], [1, 3])), true);
  assert.equal(isClassifier(reshapedMeans(1, [3, 1], ["rows", 4])), false);
});

test("of a run of several images each gets its own values", async () => {
  assertMeans(await predicted(reshapedMeans("N", [-1, 1, 3, 1], ["N", 1, 3, 1]), 5), 5);
});

test("two models are compared by signal to noise and cosine, over all images and the lowest of one", async () => {
  const model = encodeModel(colourClassifier());
  const options = { threads: 1, taskName: "features", preprocessing: plain } as const;
  await using one = await openPredictor(model, options);
  await using other = await openPredictor(model, { ...options, preprocessing: { ...plain, colour: "bgr" } });
  const images = noiseImages(6);
  const [a, b] = [await one.evaluate(images), await other.evaluate(images)];
  const { outputs } = features.compare(a, b);
  const pairs = Array.from({ length: 6 }, (_, i) => [channelMeans(i), channelMeans(i).toReversed()] as const);
  const power = (values: readonly number[]) => values.reduce((sum, value) => sum + value ** 2, 0);
  const noise = ([x, y]: readonly [number[], number[]]) => power(x.map((value, i) => value - y[i]!));
  const signal = pairs.reduce((sum, [x]) => sum + power(x), 0);
  const expected = 10 * Math.log10(signal / pairs.reduce((sum, pair) => sum + noise(pair), 0));
  const lowest = Math.min(...pairs.map((pair) => 10 * Math.log10(power(pair[0]) / noise(pair))));
  const cosines = pairs.map(([x, y]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0) / power(x));
  assert.equal(outputs.length, 1);
  assert.equal(outputs[0]!.images, 6);
  assert.ok(Math.abs(outputs[0]!.sqnrDb - expected) < 1e-3);
  assert.ok(Math.abs(outputs[0]!.lowestSqnrDb - lowest) < 1e-3);
  assert.ok(Math.abs(outputs[0]!.cosine - cosines.reduce((sum, each) => sum + each, 0) / 6) < 1e-4);
  assert.equal(features.compare(a, a).outputs[0]!.sqnrDb, Number.POSITIVE_INFINITY);
  assert.deepEqual(
    features.differences(features.compare(a, b)).map(({ name, unit, of }) => [name, unit, of]),
    [
      ["signal to noise", "dB", "6 images"],
      ["lowest of one image", "dB", "6 images"],
      ["cosine", "number", "6 images"],
    ],
  );
});

test("values that are not finite in the second model only are no small noise", () => {
  const of = (...values: number[]) => ({
    indices: [0],
    unreadable: [],
    predictions: [[{ output: "y", dims: [values.length], values: Float32Array.from(values) }]],
  });
  const { outputs } = features.compare(of(1, 2), of(1, Number.NaN));
  assert.equal(outputs[0]!.sqnrDb, Number.NEGATIVE_INFINITY);
  assert.equal(features.compare(of(1, Number.NaN), of(1, 5)).outputs[0]!.sqnrDb, Number.POSITIVE_INFINITY);
  assert.equal(features.compare(of(1, 2), of(1)).outputs[0]!.otherShape, 1);
  assert.ok(Number.isNaN(features.compare(of(1, 2), of(1)).outputs[0]!.sqnrDb));
});
