/** Histograms and the ranges taken from them, against brute force over the values themselves. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import fc from "fast-check";
import { activationScale } from "../src/calibrate/activation-scale.ts";
import { Histogram } from "../src/calibrate/histogram.ts";
import { type Range, type RangeMethod, rangeMethods } from "../src/calibrate/range-method.ts";

const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

test("counts are those of the values in each bin, however the range grew", () => {
  fc.assert(
    fc.property(fc.array(fc.array(finite, { maxLength: 20 }), { maxLength: 5 }), (batches) => {
      const histogram = new Histogram();
      for (const batch of batches) histogram.add(Float32Array.from(batch));
      const values = batches.flatMap((batch) => Array.from(Float32Array.from(batch)));
      const expected = new Float64Array(histogram.counts.length);
      for (const x of values) {
        if (x !== 0) expected[Math.floor(x / histogram.binWidth) + expected.length / 2]!++;
      }
      assert.deepEqual(histogram.counts, expected);
      assert.equal(histogram.zeros, values.filter((x) => x === 0).length);
      assert.equal(histogram.total, values.length);
      if (values.length > 0) assert.equal(histogram.min, Math.min(...values));
    }),
  );
});

test("the order of batches does not matter", () => {
  const random = createRandom(1);
  const batches = Array.from({ length: 6 }, (_, i) =>
    Float32Array.from({ length: 100 }, () => 10 ** (i - 3) * random.normal()),
  );
  const [up, down] = [batches, batches.toReversed()].map((order) => {
    const histogram = new Histogram();
    for (const batch of order) histogram.add(batch);
    return histogram;
  });
  assert.deepEqual(up!.counts, down!.counts);
  assert.equal(up!.binWidth, down!.binWidth);
});

test("what is not finite is counted apart and changes nothing else", () => {
  const histogram = new Histogram();
  histogram.add(Float32Array.of(1, Number.NaN, -2, Number.POSITIVE_INFINITY, 0, Number.NEGATIVE_INFINITY));
  assert.equal(histogram.notFinite, 3);
  assert.equal(histogram.total, 3);
  assert.equal(histogram.zeros, 1);
  assert.deepEqual([histogram.min, histogram.max], [-2, 1]);
  assert.equal(
    histogram.counts.reduce((sum, n) => sum + n, 0),
    2,
  );
});

const random = createRandom(4);
const draws = (count: number, one: () => number) => Float32Array.from({ length: count }, one);
const samples: Readonly<Record<string, Float32Array>> = {
  gaussian: draws(20_000, () => random.normal()),
  relu: draws(20_000, () => Math.max(0, random.normal())),
  "heavy tail": draws(20_000, () => random.normal() * Math.exp(random.normal())),
  skewed: draws(20_000, () => random.normal() ** 2 * 3 - 0.5),
  negative: draws(20_000, () => -Math.abs(random.normal()) - 1),
};

function rangeOf(method: RangeMethod, values: Float32Array, percentile = 0.999): Range {
  const histogram = new Histogram();
  histogram.add(values);
  return rangeMethods[method]({ histogram, movingRange: [0, 0] }, { percentile });
}

/** Mean squared error of rounding to 256 even levels over the range, by rounding each value. */
function roundingError(values: Float32Array, [low, high]: Range): number {
  const { scale, zeroPoint } = activationScale([low, high], "asymmetric");
  return values.reduce((sum, x) => {
    const q = Math.min(255, Math.max(0, Math.round(x / scale) + zeroPoint));
    return sum + (x - scale * (q - zeroPoint)) ** 2;
  }, 0);
}

for (const [name, values] of Object.entries(samples)) {
  const [min, max] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];

  test(`${name}: min-max is what was seen`, () => {
    assert.deepEqual(rangeOf("min-max", values), [min, max]);
  });

  test(`${name}: percentile leaves its share outside`, () => {
    const [low, high] = rangeOf("percentile", values, 0.99);
    const outside = values.filter((x) => x < low || x > high).length / values.length;
    assert.ok(outside > 0.004 && outside <= 0.0101, `${outside}`);
  });

  test(`${name}: mse is within 3 % of the best of all pairs of bounds`, () => {
    const shares = Array.from({ length: 40 }, (_, i) => (i + 1) / 40);
    let best = Number.POSITIVE_INFINITY;
    const few = values.subarray(0, 4000);
    const [low, high] = [Math.min(0, ...few), Math.max(0, ...few)];
    for (const a of low < 0 ? shares : [0]) {
      for (const b of high > 0 ? shares : [0]) best = Math.min(best, roundingError(few, [a * low, b * high]));
    }
    const found = roundingError(few, rangeOf("mse", few));
    assert.ok(found <= 1.03 * best, `${found} for ${best}`);
  });

  test(`${name}: entropy is the threshold of the published algorithm`, () => {
    const histogram = new Histogram();
    histogram.add(values);
    const bound = publishedEntropy(values, histogram.binWidth);
    const [low, high] = rangeOf("entropy", values);
    assert.ok(
      Math.abs(Math.max(-low, high) - Math.min(bound, Math.max(-min, max))) < 1e-6,
      `${Math.max(-low, high)} is not ${Math.min(bound, Math.max(-min, max))}`,
    );
  });
}

/** S. Migacz, GTC 2017, slide "Calibration: pseudocode", over magnitudes that are not zero. */
function publishedEntropy(values: Float32Array, binWidth: number): number {
  const bins = new Array(4096).fill(0);
  // A negative value on an edge belongs to the bin further out.
  for (const x of values)
    if (x !== 0) bins[x > 0 ? Math.floor(x / binWidth) : Math.ceil(-x / binWidth) - 1]++;
  let best = { divergence: Number.POSITIVE_INFINITY, i: 0 };
  for (let i = 128; i <= bins.findLastIndex((n) => n > 0) + 1; i += 8) {
    const p = bins.slice(0, i);
    const outliers = bins.slice(i).reduce((sum, n) => sum + n, 0);
    const total = p.reduce((sum, n) => sum + n, 0);
    if (total === 0) continue;
    const q = new Array(i).fill(0);
    for (let level = 0; level < 128; level++) {
      const [from, to] = [Math.floor((level * i) / 128), Math.floor(((level + 1) * i) / 128)];
      const merged = p.slice(from, to);
      const filled = merged.filter((n) => n > 0).length;
      const sum = merged.reduce((a, b) => a + b, 0);
      for (let k = from; k < to; k++) if (p[k] > 0) q[k] = sum / filled / total;
    }
    p[i - 1] += outliers;
    let divergence = 0;
    for (let k = 0; k < i; k++) {
      const share = p[k] / (total + outliers);
      if (share > 0) divergence += share * Math.log(share / (q[k] || 1e-12));
    }
    if (divergence < best.divergence - 1e-12) best = { divergence, i };
  }
  return best.i * binWidth;
}

describe("scale and zero point", () => {
  test("zero is a level, and the range is covered to within half a step", () => {
    fc.assert(
      fc.property(finite, finite, fc.constantFrom("asymmetric", "symmetric"), (a, b, symmetry) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const { scale, zeroPoint } = activationScale([low, high], symmetry);
        assert.ok(scale > 0 && Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255);
        assert.equal(scale, Math.fround(scale));
        if (Math.max(-low, high) < 1e-20) return;
        const slack = 0.51 * scale * (1 + 1e-6);
        assert.ok(-zeroPoint * scale <= low + slack, "low");
        assert.ok((255 - zeroPoint) * scale >= high - slack, "high");
      }),
    );
  });

  test("nothing but zeros, or nearly, has a usable scale", () => {
    for (const range of [
      [0, 0],
      [0, 1e-44],
      [-1e-40, 0],
    ] as const) {
      const { scale } = activationScale(range, "asymmetric");
      assert.ok(Number.isFinite(1 / scale) && scale > 1e-10);
    }
  });

  test("symmetric puts zero in the middle, unless nothing is negative", () => {
    assert.deepEqual(activationScale([-1.27, 0.5], "symmetric"), {
      scale: Math.fround(0.01),
      zeroPoint: 128,
    });
    assert.deepEqual(activationScale([0, 2.55], "symmetric"), { scale: Math.fround(0.01), zeroPoint: 0 });
  });
});
