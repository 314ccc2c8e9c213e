/** What a branch may lose on images that nobody has seen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fewestFor, upperShareOf } from "../src/branch/loss-bound.ts";

test("the bound of a share is that of Clopper and Pearson", () => {
  // The root of sum over k <= count of C(of, k) p^k (1 - p)^(of - k) = risk, in Python's decimals of 60 digits.
  for (const [count, of, risk, expected] of [
    [0, 10, 0.05, 0.258865550893],
    [3, 3534, 0.01, 0.0028395896],
    [12, 1500, 0.05, 0.012929551253],
    [40, 60, 0.0125, 0.797065057634],
    [700, 9000, 0.05, 0.082578834258],
  ] as const) {
    const found = upperShareOf(of, risk)(count);
    assert.ok(Math.abs(found - expected) < 1e-9, `${count} of ${of}: ${found}`);
  }
  assert.equal(upperShareOf(4, 0.05)(4), 1);
  // What it takes for no loss at all to say less than 0.3 %: 1 - 0.05^(1/n).
  const least = fewestFor(0.003, 0.05);
  assert.ok(upperShareOf(least, 0.05)(0) <= 0.003 && upperShareOf(least - 1, 0.05)(0) > 0.003, `${least}`);
});
