/** The published models of the test data: CUPEL_DATA, or ../shared/data beside the repository. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { float32Of, fusionReport, openSession, profile, randomFeeds } from "@cupel/runtime";

const models = join(
  process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data"),
  "models",
);
const mobilenet = join(models, "mobilenet_v1_0.75_224.onnx");
const skip = existsSync(mobilenet) ? false : "the test data is not here (set CUPEL_DATA)";

test("mobilenet_v1_0.75_224 of a black image gives the logits that Python's onnxruntime gives", {
  skip,
}, async () => {
  await using session = await openSession(mobilenet);
  const data = new Float32Array(3 * 224 * 224).fill(-1);
  const { logits } = await session.run({ input: { type: "float32", dims: [1, 3, 224, 224], data } });
  const values = float32Of(logits!);
  // onnxruntime 1.31.1 for Python: first three logits, and the index of the largest.
  const expected = [-0.6927, -0.2687, -0.7812];
  expected.forEach((logit, i) => {
    assert.ok(Math.abs(values[i]! - logit) < 1e-3, `${values[i]} for ${logit}`);
  });
  assert.equal(values.indexOf(Math.max(...values)), 530);
});

test("mobilenet_v1_0.75_224 has 28 convolutions, none of them quantised", { skip }, async () => {
  const report = await fusionReport(mobilenet);
  assert.deepEqual(report.convolutions, { total: 28, quantised: 0 });
  assert.equal(report.unfused.length, 28);
});

test("mobilenet_v1_0.75_224 spends most of its time in convolutions", { skip }, async () => {
  const times = await profile(mobilenet, { runs: 3 });
  const convolutions = times.filter((time) => time.opType.endsWith("Conv"));
  assert.ok(convolutions.reduce((sum, time) => sum + time.share, 0) > 0.8);
});

test("tapping an inner value of mobilenet_v1_0.75_224 leaves its logits the same", { skip }, async () => {
  await using plain = await openSession(mobilenet, { optimization: "basic" });
  const feeds = randomFeeds(plain.inputs, 5);
  const { logits } = await plain.run(feeds);
  await using tapped = await openSession(mobilenet, { optimization: "basic", taps: ["conv_dw_1_out"] });
  const outputs = await tapped.run(feeds);
  assert.deepEqual(Object.keys(outputs).sort(), ["logits", "conv_dw_1_out"].sort());
  const difference = float32Of(outputs.logits!).map((value, i) => Math.abs(value - float32Of(logits!)[i]!));
  assert.ok(Math.max(...difference) < 1e-3);
});
