import assert from "node:assert/strict";
import { test } from "node:test";
import type { Evaluation } from "@cupel/predict";
import { comparePredictions, spreadOver } from "../src/measure/compare-predictions.ts";

const evaluation = (rows: readonly (readonly number[])[], labels: readonly (number | null)[]): Evaluation => {
  const predictions = rows.map((row) => row.indexOf(Math.max(...row)));
  const labelled = labels.filter((label) => label !== null).length;
  const right = predictions.filter((prediction, i) => prediction === labels[i]).length;
  return {
    indices: rows.map((_, i) => 10 + i),
    labels,
    scores: Float32Array.from(rows.flat()),
    classes: rows[0]!.length,
    predictions,
    top1: labelled > 0 ? right / labelled : null,
    classNames: null,
    labelsBy: null,
    top5: null,
    unreadable: [],
  };
};

test("accuracy, confusion and changed predictions of two models", () => {
  const labels = [0, 0, 1, 1];
  const before = evaluation(
    [
      [2, 0],
      [2, 0],
      [0, 2],
      [2, 0],
    ],
    labels,
  );
  const after = evaluation(
    [
      [2, 0],
      [0, 2],
      [0, 2],
      [0, 2],
    ],
    labels,
  );
  const { accuracy, agreement, changed } = comparePredictions({ original: before, compressed: after }, [
    "ok",
  ]);
  assert.equal(agreement.value, 0.5);
  assert.deepEqual(accuracy?.classes, ["ok", "class 1"]);
  assert.deepEqual(accuracy.top1, { original: 0.75, compressed: 0.75 });
  // One lost, one gained of four: variance (2 - 0) / 16, so +-1.959964 * sqrt(2) / 4.
  assert.equal(accuracy.difference.value, 0);
  assert.ok(
    Math.abs(accuracy.difference.high - 0.692952) < 1e-6,
    `${accuracy.difference.high} is not 0.692952`,
  );
  assert.deepEqual(accuracy.confusion, [
    { label: 0, prediction: 0, original: 2, compressed: 1 },
    { label: 0, prediction: 1, original: 0, compressed: 1 },
    { label: 1, prediction: 0, original: 1, compressed: 0 },
    { label: 1, prediction: 1, original: 1, compressed: 2 },
  ]);
  assert.deepEqual(
    changed.map(({ index, label, original, compressed }) => [
      index,
      label,
      original.prediction,
      compressed.prediction,
    ]),
    [
      [11, 0, 0, 1],
      [13, 1, 0, 1],
    ],
  );
  const sure = 1 / (1 + Math.exp(-2));
  assert.ok(
    Math.abs(changed[0]!.original.probability - sure) < 1e-7,
    `${changed[0]!.original.probability} is not ${sure}`,
  );
});

test("images without labels have agreement and no accuracy", () => {
  const side = evaluation([[1, 0]], [null]);
  const { accuracy, agreement, changed } = comparePredictions({ original: side, compressed: side }, null);
  assert.deepEqual([accuracy, agreement.value, changed], [null, 1, []]);
});

test("what is shown is spread evenly over all", () => {
  assert.deepEqual(spreadOver([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(spreadOver([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5), [0, 2, 4, 6, 8]);
});
