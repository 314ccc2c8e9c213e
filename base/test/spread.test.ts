import assert from "node:assert/strict";
import { test } from "node:test";
import { meanRatio, medianInterval, quantile, spreadOf } from "@cupel/base";

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

test("the interval of a median is between the order statistics that tables of the sign test give", () => {
  // The k-th smallest and largest at 95 %: 6 values have 1, 10 have 2, 20 have 6, 30 have 10, 100 have 40.
  for (const [count, k] of [
    [6, 1],
    [10, 2],
    [20, 6],
    [30, 10],
    [100, 40],
    [2000, 956],
  ] as const) {
    const values = Array.from({ length: count }, (_, i) => count - i);
    assert.deepEqual(medianInterval(values), { value: (count + 1) / 2, low: k, high: count + 1 - k });
  }
});

test("so few values that no two of them hold the median have no such interval", () => {
  const { value, low, high } = medianInterval([3, 1, 2, 5, 4]);
  assert.deepEqual([value, low, high], [3, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

test("the interval of a ratio of means is that of Cochran's estimator", () => {
  // By hand: the means are 3 and 2, the residuals 1, -1, -1 and 1, so that the error is sqrt(4 / 12) / 2.
  const { value, low, high } = meanRatio([2.5, 2, 3.5, 4], [1, 2, 3, 2]);
  assert.equal(value, 1.5);
  assert.ok(Math.abs(high - 1.5 - (1.959964 * Math.sqrt(4 / 12)) / 2) < 1e-12, `${high}`);
  assert.ok(Math.abs(low + high - 3) < 1e-12);
});
