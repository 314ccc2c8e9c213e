import assert from "node:assert/strict";
import { test } from "node:test";
import { trendOf } from "../src/memory/trend.ts";

test("a straight line has its own slope and an interval without width", () => {
  const x = [0, 1, 2, 3, 4, 5, 6, 7];
  const line = x.map((each) => 3 + 2 * each);
  assert.deepEqual(trendOf(x, line), { slope: 2, interval: [2, 2], intercept: 3, residual: 0 });
});

/** Sen (1968): the slope is 4, and its 93 % interval from 26/7 to 35/8. */
test("Sen's own example has the slope of his paper, and an interval around his", () => {
  const { slope, interval } = trendOf([1, 2, 3, 4, 10, 12, 18], [9, 15, 19, 20, 45, 55, 78]);
  assert.equal(slope, 4);
  assert.ok(interval[0] <= 26 / 7 && interval[0] > 2.5, `${interval}`);
  assert.ok(interval[1] >= 35 / 8 && interval[1] < 5.5, `${interval}`);
});

test("a wild point in ten does not bend the line", () => {
  const x = Array.from({ length: 40 }, (_, i) => i);
  const { slope } = trendOf(
    x,
    x.map((each) => (each % 10 === 3 ? 1000 : 5 * each)),
  );
  assert.ok(Math.abs(slope - 5) < 0.01, `${slope}`);
});

test("equal values have no slope, and no doubt about it", () => {
  assert.deepEqual(trendOf([0, 1, 2, 3, 4], [7, 7, 7, 7, 7]).interval, [0, 0]);
});
