import assert from "node:assert/strict";
import { test } from "node:test";
import { profile } from "@cupel/runtime";
import { summariseTrace, type TraceEvent } from "../src/measure/trace.ts";
import { doubler } from "./tiny-models.ts";

const node = (name: string, index: string, ts: number, dur: number): TraceEvent => ({
  cat: "Node",
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { node_index: index, op_name: "Conv", provider: "CPUExecutionProvider" },
});
const session = (name: string, ts: number, dur: number): TraceEvent => ({ cat: "Session", name, ts, dur });

/** Two runs, from 100 to 400 and from 500 to 700 microseconds. */
const events: readonly TraceEvent[] = [
  session("model_loading_uri", 1, 50),
  node("a", "0", 110, 150),
  node("b", "1", 270, 100),
  session("model_run", 100, 300),
  node("a", "0", 510, 60),
  { cat: "Node", name: "a_fence_before", ts: 515, dur: 5 },
  node("b", "1", 580, 90),
  session("model_run", 500, 200),
];

test("time is summed by node, slowest first, without the warm-up run", () => {
  assert.deepEqual(summariseTrace(events, { warmup: 1 }), [
    {
      node: "b",
      opType: "Conv",
      provider: "CPUExecutionProvider",
      totalMs: 0.09,
      runs: 1,
      meanMs: 0.09,
      share: 0.6,
    },
    {
      node: "a",
      opType: "Conv",
      provider: "CPUExecutionProvider",
      totalMs: 0.06,
      runs: 1,
      meanMs: 0.06,
      share: 0.4,
    },
  ]);
});

test("without warm-up every run counts", () => {
  const [a, b] = summariseTrace(events, { warmup: 0 });
  assert.deepEqual([a!.node, a!.runs, a!.totalMs, a!.meanMs], ["a", 2, 0.21, 0.105]);
  assert.deepEqual([b!.node, b!.runs, b!.totalMs], ["b", 2, 0.19]);
});

test("a trace shorter than the warm-up has nothing to tell", () => {
  assert.deepEqual(summariseTrace(events, { warmup: 3 }), []);
});

test("a model is profiled by the engine, node by node", async () => {
  const times = await profile(doubler(), { runs: 7, optimization: "disabled" });
  assert.deepEqual(new Set(times.map((time) => time.opType)), new Set(["Add", "Relu"]));
  for (const time of times) {
    assert.equal(time.runs, 7);
    assert.equal(time.provider, "CPUExecutionProvider");
  }
  const shares = times.reduce((sum, time) => sum + time.share, 0);
  assert.ok(Math.abs(shares - 1) < 1e-9 || shares === 0);
});
