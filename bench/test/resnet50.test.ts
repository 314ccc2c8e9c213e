import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModel, encodeModelBytes, graphSummary, type Model, readModel } from "@cupel/onnx";
import { float32Of, openSession, randomFeeds } from "@cupel/runtime";
import { foldBatchNorms } from "../src/models/fold-batch-norms.ts";
import { resnet50 } from "../src/models/resnet50.ts";

const tiny = { width: 4, imageSize: 32, classes: 10 };

test("has the published size: 25,557,032 parameters without running statistics, 4.09 G multiply-accumulates", () => {
  const model = resnet50();
  assert.equal(trainable(model), 25_557_032);
  assert.equal((graphSummary(model).macs / 1e9).toFixed(2), "4.09");
});

for (const batchNorms of ["separate", "behind-identity"] as const) {
  test(`a small one with its batch norms ${batchNorms} is a valid model whose logits are finite and near 1`, async () => {
    const model = resnet50({ ...tiny, batchNorms });
    checkModel(model);
    await using session = await openSession(encodeModelBytes(model), { threads: 1 });
    const { logits } = await session.run(randomFeeds(session.inputs, 1, { batch: 2 }));
    assert.deepEqual(logits!.dims, [2, 10]);
    const size = Math.sqrt(float32Of(logits!).reduce((sum, x) => sum + x * x, 0) / 20);
    assert.ok(size > 0.1 && size < 10, `root mean square ${size}`);
  });
}

test("folding its batch norms leaves what it computes", async () => {
  const logits = [];
  for (const model of [resnet50(tiny), foldBatchNorms(resnet50(tiny))]) {
    // Without the optimiser, which would fold both.
    const tuning = { threads: 1, optimization: "disabled" } as const;
    await using session = await openSession(encodeModelBytes(model), tuning);
    logits.push(float32Of((await session.run(randomFeeds(session.inputs, 1))).logits!));
  }
  const [separate, folded] = logits;
  for (const [i, value] of separate!.entries()) assert.ok(Math.abs(value - folded![i]!) < 1e-4);
});

test("equal biases are stored once and read through Identity by the other layers", () => {
  const { operators } = graphSummary(resnet50({ ...tiny, batchNorms: "behind-identity" }));
  assert.equal(operators.Conv, 53);
  assert.equal(operators.Identity, 53 - 6);
  assert.equal(operators.BatchNormalization, undefined);
});

test("the same seed gives the same bytes, another seed others", () => {
  const bytes = (seed: number) => Buffer.from(encodeModelBytes(resnet50({ ...tiny, seed })));
  assert.ok(bytes(1).equals(bytes(1)));
  assert.ok(!bytes(1).equals(bytes(2)));
  assert.equal(readModel(bytes(1)).opset, 18);
});

function trainable(model: Model): number {
  return Array.from(model.graph.initializers)
    .filter(({ name }) => !name.includes("running_"))
    .reduce((sum, { constant }) => sum + constant!.size, 0);
}

test("85 % of the channels in 8 bits are 18.7 MB; 11.3 MB leave 65 % of them", () => {
  const model = resnet50();
  const int8Bytes = (kept: number) => bytesWith(model, kept) / 1e6;
  assert.equal(int8Bytes(1).toFixed(1), "25.5");
  assert.equal(int8Bytes(0.85).toFixed(1), "18.7");
  assert.ok(int8Bytes(0.65) < 11.3 && int8Bytes(0.66) > 11.3);
});

/** Bytes at one a weight, when every layer keeps that share of its channels: not those of the image, nor the classes. */
function bytesWith(model: Model, kept: number): number {
  return [...model.graph.nodes]
    .filter((node) => node.is("Conv") || node.is("Gemm"))
    .map((node) => {
      const { dims } = node.input(1)!.constant!;
      const size = dims.reduce((product, each) => product * each);
      const isOutermost = dims[1] === 3 || node.is("Gemm");
      return size * (isOutermost ? kept : kept * kept);
    })
    .reduce((sum, each) => sum + each);
}
