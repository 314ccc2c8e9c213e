import assert from "node:assert/strict";
import { test } from "node:test";
import { tensorType, Value } from "@cupel/onnx";
import { comparedBatchSize } from "../src/measure/compare-activations.ts";

const value = (...shape: (number | string | null)[]) => new Value("v", tensorType("float32", shape));

test("as many images as keep two batches of both models within 256 MiB", () => {
  // 4 MiB an image and model: 16 MiB for the four copies.
  assert.equal(comparedBatchSize([value("N", 1024, 1024)]), 16);
  assert.equal(comparedBatchSize([value("N", 512, 1024), value("N", 512, 1024)]), 16);
});

test("never more than a batch is good for, never less than one", () => {
  assert.equal(comparedBatchSize([value("N", 10)]), 32);
  assert.equal(comparedBatchSize([]), 32);
  assert.equal(comparedBatchSize([value("N", 1024, 1024, 1024)]), 1);
  assert.equal(comparedBatchSize([value("N", null, "T")]), 32);
});
