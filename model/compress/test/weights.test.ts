/** Rounding of weights against brute force. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import fc from "fast-check";
import { quantiseWeights, type WeightQuantiser } from "../src/weights/quantise-weights.ts";
import { dequantise, uniformLevels, type WeightBits, weightBits } from "../src/weights/quantised-weights.ts";
import { RoundingLevels } from "../src/weights/rounding-levels.ts";
import { bestScale } from "../src/weights/scale-search.ts";

const levelSets = fc
  .uniqueArray(fc.integer({ min: -127, max: 127 }), { minLength: 2, maxLength: 64 })
  .map((levels) => Int8Array.from(levels.toSorted((a, b) => a - b)));

test("codes are of the nearest level", () => {
  fc.assert(
    fc.property(levelSets, fc.double({ min: -200, max: 200, noNaN: true }), (levels, x) => {
      const found = levels[new RoundingLevels(levels).codeOf(x)]!;
      const nearest = Math.min(...Array.from(levels, (level) => Math.abs(level - x)));
      assert.ok(Math.abs(Math.abs(found - x) - nearest) < 1e-6, `${found} for ${x}`);
    }),
    { numRuns: 2000 },
  );
});

type Distribution = "gaussian" | "laplace";

function draw(distribution: Distribution, count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => {
    if (distribution === "gaussian") return 0.1 * random.normal();
    return 0.1 * Math.log(1 - random.uniform()) * (random.uniform() < 0.5 ? -1 : 1);
  });
}

/** sum h (w - s L(w / s))^2 by its definition. */
function errorAt(row: Float32Array, h: Float32Array, levels: Int8Array, scale: number): number {
  return row.reduce((sum, w, k) => {
    const nearest = Math.min(...Array.from(levels, (level) => Math.abs(level * scale - w)));
    return sum + h[k]! * nearest ** 2;
  }, 0);
}

for (const distribution of ["gaussian", "laplace"] as const) {
  for (const bits of weightBits) {
    test(`the best scale for ${bits} bits of ${distribution} weights is within 2 % of a fine grid`, () => {
      const levels = uniformLevels(bits);
      for (const [count, seed] of [
        [9, 1],
        [144, 2],
        [600, 3],
      ] as const) {
        const row = draw(distribution, count, seed);
        const h = draw("laplace", count, seed + 50).map(Math.abs);
        const rounding = new RoundingLevels(levels);
        const found = errorAt(row, h, levels, bestScale(row, h, rounding).scale);
        const covering = row.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / rounding.maxLevel;
        const grid = Array.from({ length: 200 }, (_, i) =>
          errorAt(row, h, levels, (covering * (i + 20)) / 200),
        );
        // Few weights, or many levels, make the error jagged: a search that is not exhaustive misses more.
        const allowed = count < 100 || bits === 8 ? 1.3 : 1.02;
        assert.ok(found <= Math.min(...grid) * allowed, `${count}: ${found} for ${Math.min(...grid)}`);
      }
    });
  }
}

test("the error a scale is found with is the error it has", () => {
  const row = draw("gaussian", 300, 4);
  const h = new Float32Array(300).fill(2);
  const rounding = new RoundingLevels(uniformLevels(4));
  const { scale, error } = bestScale(row, h, rounding);
  // The codes are those of a scale nearby, so that the nearest levels can only be better.
  const own = errorAt(row, h, rounding.levels, scale);
  assert.ok(own <= error * (1 + 1e-6) && own > 0.9 * error, `${error} and ${own}`);
});

const plain: WeightQuantiser = {
  bits: 4,
  levels: "uniform",
  granularity: "channel",
  blockSize: null,
  maxLevel: 127,
};

function rounded(weights: Float32Array, columns: number, how: Partial<WeightQuantiser>, h?: Float32Array) {
  const importance = h ?? new Float32Array(columns).fill(1);
  return quantiseWeights(
    {
      weights,
      rows: weights.length / columns,
      columns,
      importanceOf: () => importance,
      leastScaleOf: () => 0,
    },
    { ...plain, ...how },
  );
}

function weightedError(weights: Float32Array, found: Float32Array, h: Float32Array): number {
  return weights.reduce((sum, w, i) => sum + h[i % h.length]! * (w - found[i]!) ** 2, 0);
}

const lowBits: readonly WeightBits[] = [6, 5, 4, 3, 2];

test("fitted levels are never worse than even ones, whatever the weights", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom<Distribution>("gaussian", "laplace"),
      fc.constantFrom(...lowBits),
      fc.constantFrom(7, 40, 200),
      fc.constantFrom<127 | 63>(127, 63),
      (seed, distribution, bits, columns, maxLevel) => {
        const weights = draw(distribution, 6 * columns, seed);
        const h = draw("gaussian", columns, seed + 1).map((x) => Math.abs(x) + 0.01);
        const even = rounded(weights, columns, { bits, maxLevel }, h);
        const fitted = rounded(weights, columns, { bits, maxLevel, levels: "fitted" }, h);
        const [a, b] = [even, fitted].map((each) => weightedError(weights, dequantise(each), h));
        assert.ok(b! <= a! * 1.001, `${b} for ${a}`);
      },
    ),
    // A draw for which the search's own bound of the error says otherwise.
    { numRuns: 60, examples: [[-2, "laplace", 3, 7, 63]] },
  );
});

test("fitted levels of many heavy-tailed weights are far better", () => {
  const weights = draw("laplace", 20_000, 5);
  const [even, fitted] = (["uniform", "fitted"] as const).map((levels) =>
    weightedError(weights, dequantise(rounded(weights, 1000, { levels })), new Float32Array([1])),
  );
  assert.ok(fitted! < 0.8 * even!);
});

test("levels are distinct, ascending and within maxLevel, also for degenerate weights", () => {
  const cases: readonly Float32Array[] = [
    draw("gaussian", 400, 1),
    Float32Array.from({ length: 400 }, () => 0.5),
    Float32Array.from({ length: 400 }, (_, i) => 1 + i * 1e-7),
    Float32Array.from({ length: 400 }, (_, i) => (i === 0 ? 1 : 1e-6 * i)),
    new Float32Array(400),
  ];
  for (const [i, weights] of cases.entries()) {
    for (const bits of weightBits) {
      for (const maxLevel of [127, 63] as const) {
        for (const blockSize of [null, 20]) {
          const found = rounded(weights, 100, { bits, maxLevel, blockSize, levels: "fitted" });
          const { levels } = found;
          assert.ok(
            levels.every((level, at) => at === 0 || level > levels[at - 1]!),
            `case ${i}`,
          );
          assert.ok(levels.length <= 2 ** bits);
          const multipliers = found.blocks?.multipliers ?? [1];
          const most = Math.max(...levels.map(Math.abs)) * Math.max(...multipliers);
          // Rows of 8 bits may take more where no two of their weights overflow.
          const limit = bits === 8 ? 127 : maxLevel;
          assert.ok(most <= limit, `${most} beyond ${limit} at ${bits} bits, case ${i}`);
          assert.ok(found.codes.every((code) => code < levels.length));
        }
      }
    }
  }
});

describe("rows of zeros", () => {
  for (const how of [
    {},
    { levels: "fitted" },
    { granularity: "tensor" },
    { blockSize: 10 },
    { bits: 8 },
  ] as const) {
    test(`stay zero and harm no other row: ${JSON.stringify(how)}`, () => {
      const weights = draw("gaussian", 300, 2);
      weights.fill(0, 100, 200);
      const found = dequantise(rounded(weights, 100, how));
      assert.ok(found.subarray(100, 200).every((w) => Math.abs(w) < ("levels" in how ? 1.1 : 1e-9)));
      assert.ok(weightedError(weights.slice(200), found.slice(200), new Float32Array([1])) < 0.03);
    });
  }
});

test("a block of zeros within a row does not coarsen the others", () => {
  const weights = draw("gaussian", 128, 3);
  const with0 = weights.slice();
  with0.fill(0, 0, 16);
  const [a, b] = [weights, with0].map((each) => dequantise(rounded(each, 128, { blockSize: 16 })));
  const rest = (found: Float32Array) =>
    weightedError(weights.slice(16), found.slice(16), new Float32Array([1]));
  assert.ok(b!.subarray(0, 16).every((w) => w === 0));
  assert.ok(rest(b!) < 2 * rest(a!), `${rest(b!)} for ${rest(a!)}`);
});

test("blocks of different size each get their own step, so that blocks beat a single scale", () => {
  const weights = draw("gaussian", 256, 6).map((w, i) => (Math.floor(i / 32) % 2 ? w : w / 10));
  const h = new Float32Array([1]);
  const whole = weightedError(weights, dequantise(rounded(weights, 256, { bits: 3 })), h);
  const blocks = weightedError(weights, dequantise(rounded(weights, 256, { bits: 3, blockSize: 32 })), h);
  assert.ok(blocks < whole, `${blocks} for ${whole}`);
});

test("with granularity tensor all rows have one scale", () => {
  const found = rounded(draw("gaussian", 300, 7), 100, { granularity: "tensor" });
  assert.equal(new Set(found.scales).size, 1);
});

test("a weight that matters more is rounded better", () => {
  const weights = draw("gaussian", 64, 8);
  const h = new Float32Array(64).fill(1);
  h[5] = 10_000;
  const found = dequantise(rounded(weights, 64, { bits: 2 }, h));
  assert.ok(Math.abs(found[5]! - weights[5]!) < 0.01, `${found[5]!} is not ${weights[5]!}`);
});
