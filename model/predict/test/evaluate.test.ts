/** Accuracy and its comparison, against counting by hand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeModel, type Model, type Shape, Tensor } from "@cupel/onnx";
import { compareEvaluations, type Evaluation, evaluate } from "@cupel/predict";
import { noiseImages, plain } from "../../compress/test/support/images.ts";
import { Network } from "../../compress/test/support/network.ts";
import { refused } from "../../compress/test/support/refused.ts";

/** Predicts the scores given, whatever the image: they are in the bias. */
function constantScores(scores: readonly number[], shape: Shape = ["N", 3, 8, 8]): Model {
  const net = new Network(shape);
  const flat = net.node("Flatten", "flat", [net.x]);
  const { graph } = net.model;
  const zeros = graph.addConstant(
    "w",
    Tensor.float32([192, scores.length], new Float32Array(192 * scores.length)),
  );
  const bias = graph.addConstant("b", Tensor.float32([scores.length], scores));
  return net.done(net.node("Gemm", "scores", [flat, zeros, bias]));
}

const run = (model: Model, count: number, labels?: (index: number) => number, batchSize?: number) =>
  evaluate(encodeModel(model), noiseImages(count, labels ? { labels } : {}), plain(), {
    threads: 1,
    ...(batchSize ? { batchSize } : {}),
  });

test("top-1 and top-5 count labels by rank, equals in the order of their index", async () => {
  // Ranks by score: 3 first, then 1 and 2 (equal), 5, 4, 0, 6.
  const model = constantScores([0, 5, 5, 9, 1, 2, -1]);
  const found = await run(model, 14, (index) => index % 7);
  assert.deepEqual(new Set(found.predictions), new Set([3]));
  assert.equal(found.top1, 1 / 7);
  assert.equal(found.top5, 5 / 7);
  assert.equal(found.classes, 7);
  assert.deepEqual(
    found.indices,
    Array.from({ length: 14 }, (_, i) => i),
  );
});

test("the first of equal scores is the prediction", async () => {
  assert.deepEqual((await run(constantScores([1, 2, 2]), 1)).predictions, [1]);
});

test("five classes or fewer have no top-5, images without labels no accuracy", async () => {
  const found = await run(constantScores([1, 2, 3, 4, 5]), 3);
  assert.deepEqual([found.top1, found.top5], [null, null]);
  assert.equal((await run(constantScores([1, 2, 3, 4, 5]), 3, () => 4)).top5, null);
});

test("a score that is not a number is never right", async () => {
  const found = await run(constantScores([Number.NaN, 1, 2, 3, 4, 5, 6]), 7, (index) => index);
  assert.equal(found.top1, 1 / 7, "only the last label");
  assert.equal(found.top5, 5 / 7);
  assert.deepEqual(new Set(found.predictions), new Set([6]));
});

test("a model for a fixed number of images predicts each image once", async () => {
  const net = (shape: Shape) => {
    const one = new Network(shape);
    return one.done(one.head(one.conv("conv", one.x, 3, 4), 4));
  };
  const [open, fixed] = [await run(net(["N", 3, 8, 8]), 10), await run(net([4, 3, 8, 8]), 10)];
  assert.equal(fixed.predictions.length, 10);
  assert.equal(fixed.scores.length, 40);
  assert.ok(open.scores.every((score, i) => Math.abs(score - fixed.scores[i]!) < 1e-5));
});

test("the number of images a run changes nothing", async () => {
  const net = new Network();
  const model = net.done(net.head(net.conv("conv", net.x, 3, 4), 4));
  const [a, b] = [await run(model, 10, undefined, 1), await run(model, 10, undefined, 7)];
  assert.ok(a.scores.every((score, i) => Math.abs(score - b.scores[i]!) < 1e-5));
});

test("labels beyond the classes, and outputs that are no scores, are refused", async () => {
  await refused(
    () => run(constantScores([1, 2, 3]), 4, (index) => index),
    "LABEL_OUT_OF_RANGE",
    /label 3 .* 3 classes/,
  );
  const net = new Network();
  const transposed = net.node("Transpose", "t", [net.x], { perm: [1, 0, 2, 3] });
  await refused(() => run(net.done(transposed), 4), "INPUT_UNSUPPORTED", /"t"/);
});

/** Predictions and labels of 1000 images; everything else is of no account. */
function answered(
  predictions: readonly number[],
  labels: readonly (number | null)[],
  indices?: number[],
): Evaluation {
  return {
    indices: indices ?? predictions.map((_, i) => i),
    labels,
    scores: new Float32Array(predictions.length),
    classes: 10,
    predictions,
    top1: null,
    top5: null,
    broken: [],
  };
}

describe("the difference of two evaluations", () => {
  // Of 1000: 30 lost, 10 gained, 60 wrong in both though differently, the rest right in both.
  const labels = new Array(1000).fill(0);
  const before = labels.map((_, i) => (i < 30 ? 0 : i < 40 ? 1 : i < 100 ? 2 : 0));
  const after = labels.map((_, i) => (i < 30 ? 1 : i < 40 ? 0 : i < 100 ? 3 : 0));

  test("has McNemar's interval", () => {
    const found = compareEvaluations(answered(before, labels), answered(after, labels));
    assert.deepEqual([found.images, found.lost, found.gained], [1000, 30, 10]);
    assert.equal(found.agreement, 0.9);
    // By hand: difference -0.02; variance (40 - 400 / 1000) / 1000^2; 1.96 deviations = 0.012334.
    assert.ok(Math.abs(found.difference!.value + 0.02) < 1e-12);
    assert.ok(Math.abs(found.difference!.low + 0.032334) < 1e-6);
    assert.ok(Math.abs(found.difference!.high + 0.007666) < 1e-6);
  });

  test("is over the images both could read, and those with labels", () => {
    const first = answered([1, 1, 1], [1, null, 1], [0, 1, 2]);
    const second = answered([0, 0, 5], [null, 1, 1], [1, 2, 9]);
    const found = compareEvaluations(first, second);
    assert.deepEqual([found.images, found.lost, found.gained, found.agreement], [1, 1, 0, 0]);
  });

  test("is null without labels", () => {
    const none = answered([1, 2], [null, null]);
    assert.deepEqual(compareEvaluations(none, none), {
      images: 0,
      lost: 0,
      gained: 0,
      difference: null,
      agreement: 1,
    });
  });
});
