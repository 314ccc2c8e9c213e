import assert from "node:assert/strict";
import { test } from "node:test";
import { proportion } from "../src/index.ts";

test("the interval is that of Wilson", () => {
  // From statsmodels 0.15.0, proportion_confint(count, nobs, method="wilson").
  for (const [count, of, low, high] of [
    [12, 12, 0.757506, 1],
    [0, 10, 0, 0.277533],
    [81, 263, 0.255289, 0.36621],
    [15, 148, 0.062386, 0.160487],
  ] as const) {
    const found = proportion(count, of);
    assert.ok(Math.abs(found.low - low) < 1e-6, `${count} of ${of}: ${found.low}`);
    assert.ok(Math.abs(found.high - high) < 1e-6, `${count} of ${of}: ${found.high}`);
    assert.equal(found.value, count / of);
  }
});

test("of nothing, nothing is known", () => {
  assert.deepEqual(proportion(0, 0), { count: 0, of: 0, value: Number.NaN, low: 0, high: 1 });
});
