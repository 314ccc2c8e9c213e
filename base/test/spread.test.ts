import assert from "node:assert/strict";
import { test } from "node:test";
import { quantile, spreadOf } from "@cupel/base";

test("quantiles are those of numpy.quantile", () => {
  // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1])
  const expected = [1, 1.3, 3, 6.8, 8];
  [0, 0.1, 0.5, 0.9, 1].forEach((fraction, i) => {
    assert.ok(
      Math.abs(quantile([1, 2, 4, 8], fraction) - expected[i]!) < 1e-12,
      `${quantile([1, 2, 4, 8], fraction)} is not ${expected[i]!}`,
    );
  });
});

test("a spread sorts numbers as numbers and leaves the input alone", () => {
  const values = [10, 9, 100, 1];
  assert.equal(spreadOf(values).median, 9.5);
  assert.deepEqual(values, [10, 9, 100, 1]);
  assert.deepEqual(spreadOf([5]), { p10: 5, median: 5, p90: 5 });
});
