/** Counts against a short count of our own over the edges that the histogram names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mostBins, ValueHistogram } from "../src/measure/value-histogram.ts";

type Batch = readonly [original: readonly number[], compressed: readonly number[]];

const histogramOf = (...batches: readonly Batch[]) => {
  const histogram = new ValueHistogram();
  for (const [a, b] of batches) histogram.add(Float32Array.from(a), Float32Array.from(b));
  return histogram.counts();
};

test("sixteen values that are evenly spread are counted evenly, in both models", () => {
  const values = Array.from({ length: 1600 }, (_, i) => i / 100);
  const found = histogramOf([values, values.map((value) => value / 2)]);
  assert.ok(found !== null && found.from === 0 && found.to >= 15.99 && found.to < 16.6);
  assert.ok(found.original.length > mostBins / 2 && found.original.length <= mostBins);
  const width = (found.to - found.from) / found.original.length;
  for (const count of found.original.slice(0, -1)) {
    assert.ok(Math.abs(count - 100 * width) <= 1.01, `${count} of ${100 * width}`);
  }
  const half = found.compressed.reduce((sum, count, bin) => (bin * width < 8 ? sum + count : sum), 0);
  assert.equal(half, 1600, "the upper half of the compressed range is empty");
});

test("a later batch that is a thousand times as wide, on either side, loses nothing", () => {
  const found = histogramOf(
    [
      [0, 1],
      [0, 1],
    ],
    [
      [-1000, 500],
      [1000, 3],
    ],
    [[0.5], [0.5]],
  );
  assert.ok(found !== null && found.from <= -1000 && found.to > 1000);
  assert.equal(
    found.original.reduce((sum, count) => sum + count, 0),
    5,
  );
  assert.equal(
    found.compressed.reduce((sum, count) => sum + count, 0),
    5,
  );
  assert.ok(found.to - found.from < 2000 * (1 + 2 / found.original.length), "no more than the values need");
});

test("no values, and no finite values, are no histogram; those beside them are counted", () => {
  assert.equal(histogramOf(), null);
  assert.equal(histogramOf([[], []]), null);
  assert.equal(histogramOf([[Number.NaN], [Number.POSITIVE_INFINITY]]), null);
  const found = histogramOf([
    [Number.NaN, 1, Number.NEGATIVE_INFINITY],
    [2, Number.POSITIVE_INFINITY, 3],
  ]);
  assert.deepEqual(
    [found?.original, found?.compressed].map((counts) => counts?.reduce((sum, count) => sum + count, 0)),
    [1, 2],
  );
});

test("values that are all equal are one bin, wherever they lie", () => {
  for (const value of [0, 1, -3.5, 1e30, 1e-30, -3e38]) {
    const found = histogramOf([
      [value, value],
      [value, value],
    ]);
    assert.deepEqual([found?.original, found?.compressed], [[2], [2]], String(value));
    assert.ok(found && found.from <= Math.fround(value) && found.to > Math.fround(value), String(value));
  }
});

test("every value is counted between the edges of its bin, however the batches fall", () => {
  const value = fc.oneof(
    fc.integer({ min: -10_000, max: 10_000 }).map((n) => n / 100),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  );
  const batch = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (batches) => {
      const sides = ([0, 1] as const).map((side) =>
        batches.map((pairs) => pairs.map((pair) => Math.fround(pair[side]))),
      );
      const found = histogramOf(...batches.map((_, i): Batch => [sides[0]![i]!, sides[1]![i]!]));
      assert.ok(found !== null);
      const all = sides.flat(2);
      const width = (found.to - found.from) / found.original.length;
      // What doubles cannot tell apart in a range of 1e38.
      const spare = width * 1e-6;
      assert.ok(found.from <= Math.min(...all) + spare && found.to > Math.max(...all) - spare);
      for (const [counts, values] of [
        [found.original, sides[0]!.flat()],
        [found.compressed, sides[1]!.flat()],
      ] as const) {
        assert.equal(counts.length, found.original.length);
        let below = 0;
        for (const [bin, count] of counts.entries()) {
          below += count;
          const edge: number = found.from + (bin + 1) * width;
          // Below every edge lie as many as were counted up to it; on the edge itself, rounding may say either.
          const least = values.filter((each) => each < edge - spare).length;
          const most = values.filter((each) => each < edge + spare).length;
          assert.ok(least <= below && below <= most, `${below} below ${edge}, not ${least} to ${most}`);
        }
      }
    }),
  );
});
