/** Load, unload, index, configuration and statistics, as Triton's clients ask for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@cupel/base";
import { createStatistics } from "../../src/core/statistics.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { echo, serve } from "./support.ts";

test("models are listed, loaded and unloaded, with a body or without", async () => {
  const done: string[] = [];
  const service = echo({
    loadModel: async (model) => void done.push(`load ${model}`),
    unloadModel: async (model) => void done.push(`unload ${model}`),
    repositoryIndex: () => [
      { name: "a", version: "1", state: "READY", reason: "" },
      { name: "b", version: "1", state: "UNAVAILABLE", reason: "does not load" },
    ],
  });
  await using served = await serve({ service });
  const post = (path: string, body: string) =>
    fetch(`${served.url}/v2/repository/${path}`, { method: "POST", body: Buffer.from(body) });
  const all = await (await post("index", "")).json();
  assert.deepEqual(all, [
    { name: "a", version: "1", state: "READY", reason: "" },
    { name: "b", version: "1", state: "UNAVAILABLE", reason: "does not load" },
  ]);
  assert.deepEqual(await (await post("index", '{"ready":true}')).json(), [
    { name: "a", version: "1", state: "READY", reason: "" },
  ]);
  assert.equal((await post("models/a/load", "{}")).status, 200);
  assert.equal((await post("models/a/unload", '{"parameters":{"unload_dependents":false}}')).status, 200);
  assert.deepEqual(done, ["load a", "unload a"]);
  assert.equal((await post("models/a/load", '{"parameters":{"config":"{}"}}')).status, 400);
  assert.equal((await post("models/a/load", "{")).status, 400);
  assert.deepEqual(done, ["load a", "unload a"]);
});

test("a model's configuration is its metadata in Triton's form", async () => {
  await using served = await serve();
  const config = await (await fetch(`${served.url}/v2/models/echo/config`)).json();
  const x = { name: "x", data_type: "TYPE_FP32", dims: [-1, 3] };
  assert.deepEqual(config, {
    name: "echo",
    platform: "onnxruntime_onnx",
    backend: "onnxruntime",
    max_batch_size: 0,
    input: [x],
    output: [x],
  });
});

test("requests are counted and timed by version and outcome", async () => {
  let now = 1000;
  const clock: Clock = { now: () => now, monotonic: () => now };
  const statistics = createStatistics(clock);
  const one = { model: "m", version: "1" };
  for (const rows of [1, 3]) {
    using counted = statistics.begin(one, rows, { decode: 1, batch: 2, queue: 4, run: 10 });
    now += 20;
    counted.succeeded();
  }
  {
    using _failed = statistics.begin({ model: "m", version: "2" }, 1, {});
    now += 5;
  }
  statistics.countingRuns(silentInstruments).observe("batchRows", one, 4);
  await using served = await serve({ service: echo({ statistics: (m, v) => statistics.of(m, v) }) });
  const get = async (path: string) => (await fetch(`${served.url}/v2/models/${path}`)).json();
  const nothing = { count: 0, ns: 0 };
  const first = {
    name: "m",
    version: "1",
    last_inference: 1040,
    inference_count: 4,
    execution_count: 1,
    inference_stats: {
      success: { count: 2, ns: 40e6 },
      fail: nothing,
      queue: { count: 2, ns: 8e6 },
      compute_input: { count: 2, ns: 6e6 },
      compute_infer: { count: 2, ns: 20e6 },
      compute_output: nothing,
    },
  };
  assert.deepEqual(await get("m/versions/1/stats"), { model_stats: [first] });
  const all: { model_stats: (typeof first)[] } = JSON.parse(JSON.stringify(await get("stats")));
  assert.deepEqual(all.model_stats[0], first);
  assert.deepEqual(all.model_stats[1]?.inference_stats.fail, { count: 1, ns: 5e6 });
  assert.deepEqual(await get("m/stats"), all);
});
