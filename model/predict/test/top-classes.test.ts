/** The likeliest classes: the order does not depend on how many are asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { topClasses } from "@cupel/predict";

test("the first few are the beginning of all: the highest first, equals by index, what is no number last", () => {
  const random = createRandom(3);
  for (let round = 0; round < 200; round++) {
    const scores = Float32Array.from({ length: 1 + random.integer(60) }, () =>
      random.integer(12) === 0 ? Number.NaN : random.integer(8) - 4,
    );
    const row = { scores, areProbabilities: true };
    const told = (count: number) => topClasses(row, count, null).map(({ classIndex }) => classIndex);
    const expected = [...scores.keys()].sort((a, b) => {
      const [first, second] = [a, b].map((index) => (Number.isNaN(scores[index]) ? -99 : scores[index]!));
      return second! - first! || a - b;
    });
    for (const count of [1, 3, 5, 32, 33, 100]) assert.deepEqual(told(count), expected.slice(0, count));
  }
});
