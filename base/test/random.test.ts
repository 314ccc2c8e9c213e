import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";

const draws = (seed: number, count: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.uniform());
};

test("a seed always gives the same numbers, and another seed others", () => {
  assert.deepEqual(draws(7, 100), draws(7, 100));
  assert.notDeepEqual(draws(7, 100), draws(8, 100));
  assert.notDeepEqual(draws(1, 5), draws(1 + 2 ** 32, 5));
});

test("uniform numbers fill [0, 1) evenly", () => {
  const counts = new Array(10).fill(0);
  for (const x of draws(3, 100_000)) counts[Math.floor(x * 10)]++;
  // Chi-squared with 9 degrees of freedom: 27.9 is exceeded once in a thousand seeds.
  const chi = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(chi < 27.9, `chi-squared ${chi}`);
});

test("normal numbers have mean 0, deviation 1 and the tails of a normal", () => {
  const random = createRandom(5);
  const values = Array.from({ length: 100_000 }, () => random.normal());
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  const beyondTwo = values.filter((x) => Math.abs(x) > 2).length / values.length;
  assert.ok(Math.abs(mean) < 0.013);
  assert.ok(Math.abs(variance - 1) < 0.02, `${variance} is not 1`);
  assert.ok(Math.abs(beyondTwo - 0.0455) < 0.003, `${beyondTwo} is not 0.0455`);
});

test("a permutation holds every index once", () => {
  const order = createRandom(2).permutation(1000);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.notDeepEqual(order.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
