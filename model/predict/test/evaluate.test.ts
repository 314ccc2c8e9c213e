/** Accuracy and its comparison, against counting by hand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attribute, encodeModel, type Model } from "@cupel/onnx";
import { compareEvaluations, crossEntropy, type Evaluation, evaluate } from "@cupel/predict";
import { channelMeans, noiseImages, plain } from "./support/images.ts";
import { colourClassifier, constantScores, modelOf } from "./support/models.ts";
import { refused } from "./support/refused.ts";

const run = (model: Model, count: number, label?: (index: number) => number, batchSize?: number) =>
  evaluate(encodeModel(model), noiseImages(count, label ? { label } : {}), plain, { threads: 1, batchSize });

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
  const [open, fixed] = [await run(colourClassifier(), 10), await run(colourClassifier([4, 3, 8, 8]), 10)];
  assert.equal(fixed.predictions.length, 10);
  assert.equal(fixed.scores.length, 30);
  assert.ok(open.scores.every((score, i) => Math.abs(score - fixed.scores[i]!) < 1e-5));
});

test("the number of images a run changes nothing", async () => {
  const model = colourClassifier();
  const [a, b] = [await run(model, 10, undefined, 1), await run(model, 10, undefined, 7)];
  assert.ok(a.scores.every((score, i) => Math.abs(score - b.scores[i]!) < 1e-5));
  assert.ok(channelMeans(9).every((mean, i) => Math.abs(mean - a.scores[27 + i]!) < 1e-5));
});

test("labels beyond the classes, and outputs that are no scores, are refused", async () => {
  await refused(
    () => run(constantScores([1, 2, 3]), 4, (index) => index),
    "LABELS_MISMATCH",
    /label 3 .* 3 classes/,
  );
  const transposed = modelOf(
    (model, x) =>
      model.graph.append({
        opType: "Transpose",
        inputs: [x],
        outputs: ["t"],
        attributes: { perm: attribute.ints([1, 0, 2, 3]) },
      }).output,
  );
  await refused(() => run(transposed, 4), "OUTPUT_UNSUPPORTED", /"t"/);
});

describe("cross-entropy", () => {
  // ln of the odds 1 : 2 : 5, and those as probabilities.
  const odds = [1, 2, 5].map(Math.log);
  const meanOf = (labels: readonly number[]) =>
    labels.reduce((sum, label) => sum - Math.log([1 / 8, 2 / 8, 5 / 8][label]!), 0) / labels.length;

  test("of scores is that of their softmax", async () => {
    const found = await run(constantScores(odds), 4, (index) => index % 3);
    assert.ok(Math.abs(crossEntropy(found, false)! - meanOf([0, 1, 2, 0])) < 1e-6);
  });

  test("of probabilities is that of themselves", async () => {
    const found = await run(constantScores([1 / 8, 2 / 8, 5 / 8]), 4, (index) => index % 3);
    assert.ok(Math.abs(crossEntropy(found, true)! - meanOf([0, 1, 2, 0])) < 1e-6);
  });

  test("does not overflow, is infinite for an impossible class, and null without labels", async () => {
    const large = await run(constantScores([1000, 1000]), 2, () => 0);
    assert.ok(Math.abs(crossEntropy(large, false)! - Math.LN2) < 1e-6);
    const impossible = await run(constantScores([0, 1]), 2, () => 0);
    assert.equal(crossEntropy(impossible, true), Number.POSITIVE_INFINITY);
    assert.equal(crossEntropy(await run(constantScores([0, 1]), 2), false), null);
  });
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
    classNames: null,
    labelsBy: null,
    predictions,
    top1: null,
    top5: null,
    unreadable: [],
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
    assert.equal(found.agreement.value, 0.9);
    // By hand: difference -0.02; variance (40 - 400 / 1000) / 1000^2; 1.96 deviations = 0.012334.
    assert.ok(Math.abs(found.difference!.value + 0.02) < 1e-12, `${found.difference!.value} is not -0.02`);
    assert.ok(Math.abs(found.difference!.low + 0.032334) < 1e-6, `${found.difference!.low} is not -0.032334`);
    assert.ok(
      Math.abs(found.difference!.high + 0.007666) < 1e-6,
      `${found.difference!.high} is not -0.007666`,
    );
  });

  test("is over the images both could read, and those with labels", () => {
    const first = answered([1, 1, 1], [1, null, 1], [0, 1, 2]);
    const second = answered([0, 0, 5], [null, 1, 1], [1, 2, 9]);
    const found = compareEvaluations(first, second);
    assert.deepEqual([found.images, found.lost, found.gained, found.agreement.value], [1, 1, 0, 0]);
  });

  test("is null without labels", () => {
    const none = answered([1, 2], [null, null]);
    assert.deepEqual(compareEvaluations(none, none), {
      images: 0,
      lost: 0,
      gained: 0,
      difference: null,
      // Wilson's interval of n of n begins at n / (n + 1.96 ^ 2).
      agreement: { count: 2, of: 2, value: 1, low: 0.34238022395464934, high: 1 },
    });
  });
});
