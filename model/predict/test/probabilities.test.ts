/** Scores and probabilities, told from each other by their numbers and by the graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { areProbabilities, endsInSoftmax, softmaxAt } from "@cupel/predict";
import { colourClassifier, modelOf, node } from "./support/models.ts";

test("softmax of scores is what the definition gives, and does not overflow", () => {
  assert.ok(Math.abs(softmaxAt(Float32Array.of(0, Math.log(3)), 1) - 0.75) < 1e-7);
  assert.equal(softmaxAt(Float32Array.of(1000, 1000), 0), 0.5);
});

test("probabilities are told from scores", () => {
  assert.ok(areProbabilities(Float32Array.of(0.25, 0.75, 1, 0), 2));
  assert.ok(areProbabilities(Float32Array.of(0.2505, 0.75), 2));
  assert.ok(!areProbabilities(Float32Array.of(0.25, 0.75, 1, 0.1), 2));
  assert.ok(!areProbabilities(Float32Array.of(1.5, -0.5), 2));
  assert.ok(!areProbabilities(Float32Array.of(Number.NaN, 1), 2));
});

test("a graph ends in Softmax also where its form is changed behind it", () => {
  assert.ok(endsInSoftmax(colourClassifier(["N", 3, 8, 8], "softmax")));
  assert.ok(!endsInSoftmax(colourClassifier()));
  const pooled = modelOf((model, x) =>
    node(model, "Softmax", "softmax", node(model, "GlobalAveragePool", "pool", x)),
  );
  const { graph } = pooled;
  graph.outputs[0] = node(pooled, "Flatten", "flat", graph.outputs[0]!);
  assert.ok(endsInSoftmax(pooled));
  graph.outputs[0] = node(pooled, "Neg", "negative", graph.outputs[0]!);
  assert.ok(!endsInSoftmax(pooled));
});
