import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ActivationError } from "../src/measure/activation-error.ts";

const close = (actual: number, expected: number, within = 1e-6) =>
  assert.ok(
    Math.abs(actual - expected) <= within * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  );

const figuresOf = (a: number[], b: number[], dims: number[]) => {
  const error = new ActivationError();
  error.add(Float32Array.from(a), Float32Array.from(b), dims);
  return error.figures();
};

test("figures of two channels agree with the formulas worked out by hand", () => {
  // a = [3, 4 | 0, 5], b = [3, 3 | 1, 5]: sum a^2 = 50, sum (a - b)^2 = 2, RMS = sqrt(12.5), eps = 0.0353553.
  const figures = figuresOf([3, 4, 0, 5], [3, 3, 1, 5], [1, 2, 1, 2]);
  const eps = 0.01 * Math.sqrt(12.5);
  const r = [0, 1 / (4 + eps), 1 / eps, 0];
  const mean = (r[1]! + r[2]!) / 4;
  close(figures.relativeError.mean, mean);
  close(figures.relativeError.peak, 1 / eps);
  close(figures.relativeError.std, Math.sqrt(r.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 4));
  close(figures.sqnrDb, 13.979400086720377);
  close(figures.cosine, (9 + 12 + 0 + 25) / Math.sqrt(50 * (9 + 9 + 1 + 25)));
  assert.deepEqual(figures.range, { original: [0, 5], compressed: [1, 5] });
  assert.deepEqual(figures.shape, [2, 1, 2]);
  figures.channelError.forEach((error) => {
    close(error, Math.sqrt(1 / 2) / Math.sqrt(12.5));
  });
});

test("equal activations have no error at all", () => {
  const figures = figuresOf([1, -2, 3, 0], [1, -2, 3, 0], [2, 2]);
  assert.deepEqual(figures.relativeError, { mean: 0, peak: 0, std: 0 });
  assert.equal(figures.sqnrDb, Number.POSITIVE_INFINITY);
  close(figures.cosine, 1);
  assert.deepEqual(figures.channelError, [0, 0]);
});

test("an activation that is zero throughout is compared without dividing by zero", () => {
  const same = figuresOf([0, 0], [0, 0], [1, 2]);
  assert.deepEqual([same.cosine, same.relativeError.mean, ...same.channelError], [1, 0, 0, 0]);
  const other = figuresOf([0, 0], [0, 1], [1, 2]);
  assert.equal(other.cosine, 0);
  assert.equal(other.sqnrDb, Number.NEGATIVE_INFINITY);
});

test("channels of a sequence are its last axis", () => {
  // Two tokens of two features; only the second feature is off.
  const { channelError } = figuresOf([1, 1, 1, 1], [1, 2, 1, 0], [1, 2, 2]);
  assert.deepEqual(channelError, [0, 1]);
});

/** Hundredths, so that nothing under test is the underflow of floating point. */
const hundredths = fc.integer({ min: -10_000, max: 10_000 }).map((n) => n / 100);
const pairs = fc.array(fc.tuple(hundredths, hundredths), { minLength: 12, maxLength: 12 });

test("what is added in two batches counts as if it came in one, but for the epsilon of the first", () => {
  fc.assert(
    fc.property(pairs, (values) => {
      const a = Float32Array.from(values, ([x]) => x);
      const b = Float32Array.from(values, ([, y]) => y);
      const whole = new ActivationError();
      whole.add(a, b, [6, 2]);
      const parts = new ActivationError();
      parts.add(a.subarray(0, 4), b.subarray(0, 4), [2, 2]);
      parts.add(a.subarray(4), b.subarray(4), [4, 2]);
      const [one, two] = [whole.figures(), parts.figures()];
      if (Number.isFinite(one.sqnrDb)) close(one.sqnrDb, two.sqnrDb);
      close(one.cosine, two.cosine);
      assert.deepEqual(one.range, two.range);
      close(whole.rms, parts.rms);
    }),
  );
});

test("scaling both activations by a power of two changes nothing but the ranges", () => {
  fc.assert(
    fc.property(pairs, (values) => {
      fc.pre(values.some(([x]) => x !== 0));
      const figures = (factor: number) =>
        figuresOf(
          values.map(([x]) => factor * x),
          values.map(([, y]) => factor * y),
          [3, 4],
        );
      const [one, four] = [figures(1), figures(4)];
      close(one.relativeError.mean, four.relativeError.mean);
      if (Number.isFinite(one.sqnrDb)) close(one.sqnrDb, four.sqnrDb);
      one.channelError.forEach((error, c) => {
        close(error, four.channelError[c]!);
      });
    }),
  );
});

test("channel errors and SQNR tell the same total", () => {
  fc.assert(
    fc.property(pairs, (values) => {
      fc.pre(values.some(([x]) => Math.abs(x) > 1) && values.some(([x, y]) => Math.abs(x - y) > 1e-3));
      const { channelError, sqnrDb } = figuresOf(
        values.map(([x]) => x),
        values.map(([, y]) => y),
        [2, 3, 1, 2],
      );
      const noiseShare = channelError.reduce((sum, error) => sum + error * error, 0) / channelError.length;
      close(-10 * Math.log10(noiseShare), sqnrDb, 1e-5);
    }),
  );
});
