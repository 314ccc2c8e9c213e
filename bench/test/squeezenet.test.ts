import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModel, encodeModelBytes, graphSummary } from "@cupel/onnx";
import { float32Of, openSession, randomFeeds } from "@cupel/runtime";
import { squeezenet } from "../src/models/squeezenet.ts";

test("four fire modules without BatchNormalization, and logits that are finite", async () => {
  const model = squeezenet({ input: [3, 32, 32], classes: 5, width: 4 });
  checkModel(model);
  const { operators } = graphSummary(model);
  assert.deepEqual([operators.Conv, operators.Concat, operators.BatchNormalization], [14, 4, undefined]);
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const { logits } = await session.run(randomFeeds(session.inputs, 1, { batch: 2 }));
  assert.deepEqual(logits!.dims, [2, 5]);
  assert.ok(float32Of(logits!).every(Number.isFinite));
});
