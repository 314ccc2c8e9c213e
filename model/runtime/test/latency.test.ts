import assert from "node:assert/strict";
import { test } from "node:test";
import { measureLatency } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { doubler, quantisedConv, slowModel } from "./tiny-models.ts";

test("a slow model is told from a fast one, with ratios to the first", async () => {
  const [slow, fast] = await measureLatency(
    [
      { name: "slow", model: slowModel() },
      { name: "fast", model: doubler() },
    ],
    { runs: 3, warmup: 1, threads: 1 },
  );
  assert.deepEqual([slow!.name, slow!.runs], ["slow", 3]);
  assert.deepEqual(slow!.ratio, { p10: 1, median: 1, p90: 1 });
  assert.ok(fast!.latency.median < slow!.latency.median);
  assert.equal(slow!.timeRatio.value, 1);
  assert.ok(fast!.timeRatio.value < 1, `${fast!.timeRatio.value}`);
  assert.ok(fast!.ratio.p10 > 1, `${fast!.ratio.p10}`);
  assert.equal(fast!.throughput, null);
});

test("fast models get more rounds, up to five times as many", async () => {
  const [doubled] = await measureLatency([{ name: "doubler", model: doubler() }], {
    runs: 4,
    leastMs: 1e9,
    warmup: 1,
  });
  assert.equal(doubled!.runs, 20);
});

test("throughput counts images, not runs", async () => {
  const [doubled] = await measureLatency([{ name: "doubler", model: doubler() }], {
    runs: 5,
    warmup: 1,
    batch: 8,
  });
  assert.equal(doubled!.throughput!.batch, 8);
  assert.ok(doubled!.throughput!.imagesPerSecond > 8);
});

test("a model of fixed batch is refused a batch by name", async () => {
  const failure = await failureOf(
    measureLatency([{ name: "fixed", model: quantisedConv("none") }], { runs: 1, warmup: 0, batch: 4 }),
  );
  assert.equal(failure.code, "INPUT_SHAPE_MISMATCH");
  assert.match(failure.message, /of fixed is fixed to 1/);
});

test("measuring can be cancelled, and tells its progress", async () => {
  const abort = new AbortController();
  let rounds = 0;
  const progress = {
    start: () => ({
      advance() {
        if (++rounds === 2) abort.abort();
      },
      note() {},
      [Symbol.dispose]() {},
    }),
  };
  const failure = await failureOf(
    measureLatency([{ name: "doubler", model: doubler() }], { runs: 100, signal: abort.signal, progress }),
  );
  assert.equal(failure.code, "CANCELLED");
  assert.equal(rounds, 2);
});
