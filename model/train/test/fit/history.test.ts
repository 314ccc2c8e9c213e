/** Which epoch is best, and when there is no use in going on. */
import assert from "node:assert/strict";
import test from "node:test";
import { bestEpoch, type EpochMetrics, isExhausted } from "../../src/fit/history.ts";

/** Epochs by what validation said of them. */
const epochs = (...measured: readonly (readonly [accuracy: number, loss: number])[]): EpochMetrics[] =>
  measured.map(([validationAccuracy, validationLoss], index) => ({
    epoch: index + 1,
    loss: 1,
    accuracy: 0.5,
    skipped: 0,
    validationLoss,
    validationAccuracy,
    learningRate: 0.1,
    imagesPerSecond: 100,
    seconds: 1,
  }));

test("the best epoch has the highest accuracy; the lower loss decides between equals, then the earlier", () => {
  const history = epochs([0.8, 0.5], [0.9, 0.6], [0.9, 0.4], [0.9, 0.4], [0.85, 0.1]);
  assert.equal(bestEpoch(history, "accuracy")?.epoch, 3);
  assert.equal(bestEpoch(history, "loss")?.epoch, 5);
});

test("an epoch whose loss is no number is never best", () => {
  assert.equal(bestEpoch(epochs([0.9, Number.NaN], [0.1, 2]), "accuracy")?.epoch, 2);
  assert.equal(bestEpoch(epochs([0.9, Number.NaN]), "loss"), null);
});

test("patience is over after so many epochs without a better one", () => {
  const history = epochs([0.8, 0.5], [0.9, 0.4], [0.9, 0.5], [0.7, 0.6]);
  assert.equal(isExhausted(history, "accuracy", 3), false);
  assert.equal(isExhausted(history, "accuracy", 2), true);
});
