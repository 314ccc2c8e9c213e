/** The figures of the zoo that no other test would miss: signal to noise, the interval of a ratio, and who is behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sqnrOf } from "../zoo/agreement.ts";
import { ratioOf } from "../zoo/paired-time.ts";
import { isFault, pageOf, summaryLine } from "../zoo/prune-row.ts";
import { summaryOf } from "../zoo/summary.ts";
import type { ZooRow } from "../zoo/zoo-row.ts";

test("signal to noise is that of all images together, and the mean of the outputs", () => {
  const original = [
    [Float32Array.of(3, 4), Float32Array.of(10)],
    [Float32Array.of(0, 5), Float32Array.of(0)],
  ];
  const other = [
    [Float32Array.of(3, 4.5), Float32Array.of(9)],
    [Float32Array.of(0.5, 5), Float32Array.of(0)],
  ];
  // 50 over 0.5 is 20 dB, 100 over 1 is 20 dB.
  assert.equal(sqnrOf(original, other)?.toFixed(6), "20.000000");
  assert.equal(sqnrOf(original, original), 120);
});

test("a list that grew has no signal to noise, and what is not finite has the worst", () => {
  const one = [[Float32Array.of(1, 2)]];
  assert.equal(sqnrOf(one, [[Float32Array.of(1, 2, 3)]]), null);
  assert.equal(sqnrOf(one, [[Float32Array.of(1, Number.NaN)]]), -120);
});

test("the interval of a ratio is Student's, of the logarithms", () => {
  // 12 rounds, half at 1 and half at 3 in logarithms: mean 2, standard deviation sqrt(12 / 11), t 2.201.
  const { ratio, low, high } = ratioOf([1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
  assert.equal(Math.log(ratio).toFixed(9), "2.000000000");
  assert.equal(Math.log(low).toFixed(3), (2 - 2.201 / Math.sqrt(11)).toFixed(3));
  assert.equal(Math.log(high).toFixed(3), (2 + 2.201 / Math.sqrt(11)).toFixed(3));
});

test("the summary counts what was tried, and compares what both tools compress", () => {
  const row = (model: string, sqnr: number, stock: number, high: number): ZooRow => ({
    model,
    commit: "c",
    steps: {
      compress: { ok: true },
      engines: { ok: true, sqnr },
      stock: { ok: true, sqnr: stock },
      timing: {
        ok: true,
        speed: { ratio: high, low: high, high },
        speedStock: { ratio: 2, low: 2, high: 2 },
      },
    },
  });
  const refused: ZooRow = {
    model: "refused",
    commit: "c",
    steps: { compress: { ok: false, code: "OPSET_UNSUPPORTED", reason: "" }, stock: { ok: true, sqnr: 3 } },
  };
  const summary = summaryOf([
    row("better", 40, 30, 3),
    row("worse", 20, 22, 0.9),
    row("a little worse", 20, 20.5, 0.99),
    row("both exact", 80, 110, 1),
    refused,
  ]);
  assert.deepEqual(summary.passed.compress, { count: 4, of: 5 });
  assert.equal(summary.compared.length, 4);
  assert.equal(summary.atLeastStock, 2);
  assert.deepEqual(
    summary.worse.map(({ model }) => model),
    ["worse"],
  );
  assert.deepEqual(
    summary.slower.map(({ model }) => model),
    ["worse"],
  );
  assert.equal(summary.speed, 0.995);
});

test("of pruning, what is refused by name is no fault, anything else is, and both are counted", () => {
  const figures = { groups: 2, channels: 20, removed: 9, effect: 0.5, kept: [] };
  const outcomes = [
    { ok: true, difference: 2e-7, ...figures },
    { ok: true, difference: 3e-6, ...figures },
    { ok: false, code: "NOTHING_TO_PRUNE", reason: "none | can go" },
    { ok: false, code: "OUTPUTS_DIFFER", reason: "by 1" },
  ] as const;
  const rows = outcomes.map((outcome, i) => ({ model: `m${i}`, commit: "c", outcome }));
  assert.deepEqual(rows.map(isFault), [false, false, false, true]);
  assert.equal(
    summaryLine(rows),
    "4 models: 2 went through, the worst within 3.0e-6 of the largest value; refused: 1 NOTHING_TO_PRUNE; faults: 1 OUTPUTS_DIFFER.",
  );
  assert.ok(pageOf(rows).includes("| m2 | NOTHING_TO_PRUNE | | | | | none \\| can go |"));
});
