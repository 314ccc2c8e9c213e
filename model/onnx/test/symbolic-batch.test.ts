/** A fixed number of images is opened where every value keeps the images along axis 0, and only there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, inferShapes, type Model, symbolicBatch, Tensor, type Value } from "../src/index.ts";
import { modelOf } from "./support/build.ts";
import { runPass } from "./support/run-pass.ts";

/** [batch, 3, 4, 4] -> Relu -> Reshape to `target`. */
function reshaped(target: readonly number[], batch: number | null = 1): Model {
  const model = modelOf({ x: [batch, 3, 4, 4] });
  const { graph } = model;
  const relu = graph.append({ opType: "Relu", inputs: [graph.value("x")!], outputs: ["relu"] });
  const shape = graph.addConstant("target", Tensor.int64([target.length], target));
  const y = graph.append({ opType: "Reshape", inputs: [relu.output, shape], outputs: ["y"] });
  graph.outputs.push(y.output);
  inferShapes(model);
  return model;
}

test("a batch of 1 in the input, the output and the target of a Reshape becomes a symbol", () => {
  const model = reshaped([1, 48]);
  assert.ok(runPass(symbolicBatch, model));
  assert.deepEqual(model.graph.inputs[0]!.shape, ["batch", 3, 4, 4]);
  assert.deepEqual(model.graph.outputs[0]!.shape, ["batch", 48]);
  inferShapes(model, { inputShapes: { x: [5, 3, 4, 4] } });
  assert.deepEqual(model.graph.outputs[0]!.shape, [5, 48]);
});

test("a batch of 4, and a size that is not said, as well", () => {
  for (const [model, rest] of [
    [reshaped([4, 3, 16], 4), [3, 16]],
    [reshaped([-1, 48], null), [48]],
  ] as const) {
    if (model.graph.inputs[0]!.shape![0] === null) {
      const note = symbolicBatch.run(model).notes;
      assert.match(note.join(), /number of images/);
      continue;
    }
    assert.ok(runPass(symbolicBatch, model));
    assert.deepEqual(model.graph.outputs[0]!.shape, ["batch", ...rest]);
  }
});

test("a target that allows sizes of zero and has none is opened as well, as the newer exporter writes it", () => {
  const model = reshaped([1, 48]);
  const [, reshape] = model.graph.nodes;
  reshape!.attributes.set("allowzero", attribute.int(1));
  assert.ok(runPass(symbolicBatch, model));
  inferShapes(model, { inputShapes: { x: [5, 3, 4, 4] } });
  assert.deepEqual(model.graph.outputs[0]!.shape, [5, 48]);
});

test("a target of the shape that is computed from the input, and one Expand is given, keep the images", () => {
  const model = modelOf({ x: [1, 3, 4, 4] });
  const { graph } = model;
  const [x] = graph.inputs;
  const ints = (name: string, values: number[]) =>
    graph.addConstant(name, Tensor.int64([values.length], values));
  const op = (opType: string, inputs: Value[], axis?: number) =>
    graph.append({
      opType,
      inputs,
      ...(axis === undefined ? {} : { attributes: { axis: attribute.int(axis) } }),
    }).output;
  const first = op("Slice", [op("Shape", [x!]), ints("from", [0]), ints("to", [1])]);
  const rows = op("Reshape", [x!, op("Concat", [first, ints("rest", [48, 1])], 0)]);
  const spread = op("Expand", [rows, ints("wide", [1, 48, 7])]);
  const zeros = op("ConstantOfShape", [op("Concat", [first, ints("more", [48, 7])], 0)]);
  graph.outputs.push(op("Add", [spread, zeros]));
  inferShapes(model);
  assert.ok(runPass(symbolicBatch, model));
  inferShapes(model, { inputShapes: { x: [5, 3, 4, 4] } });
  assert.deepEqual(graph.outputs[0]!.shape, [5, 48, 7]);
});

test("a batch that is a symbol already stays as it is", () => {
  const model = modelOf({ x: ["N", 3] });
  model.graph.outputs.push(model.graph.append({ opType: "Relu", inputs: [model.graph.inputs[0]!] }).output);
  assert.equal(runPass(symbolicBatch, model), false);
});

const mixing: Readonly<Record<string, () => Model>> = {
  "a Reshape that joins images and channels": () => reshaped([3, 16]),
  "a Transpose that moves the axis"() {
    const model = modelOf({ x: [1, 3, 4] });
    const attributes = { perm: attribute.ints([1, 0, 2]) };
    const node = model.graph.append({ opType: "Transpose", inputs: [model.graph.inputs[0]!], attributes });
    model.graph.outputs.push(node.output);
    return model;
  },
  "a constant of one image joined to each"() {
    const model = modelOf({ x: [1, 3, 4] });
    const token = model.graph.addConstant("token", Tensor.float32([1, 1, 4], [1, 2, 3, 4]));
    const node = model.graph.append({
      opType: "Concat",
      inputs: [token, model.graph.inputs[0]!],
      attributes: { axis: attribute.int(1) },
    });
    model.graph.outputs.push(node.output);
    return model;
  },
  "an image taken out of the batch"() {
    const model = modelOf({ x: [1, 3, 4] });
    const first = model.graph.addConstant("first", Tensor.int64([], [0]));
    const taken = model.graph.append({ opType: "Gather", inputs: [model.graph.inputs[0]!, first] });
    const sum = model.graph.append({ opType: "Add", inputs: [taken.output, model.graph.inputs[0]!] });
    model.graph.outputs.push(sum.output);
    return model;
  },
};

for (const [what, build] of Object.entries(mixing)) {
  test(`${what}: the batch stays, and the note says why`, () => {
    const model = build();
    const { modified, notes } = symbolicBatch.run(model);
    assert.equal(modified, false);
    assert.match(notes.join(), /the batch stays 1: /);
    assert.equal(model.graph.inputs[0]!.shape![0], 1);
  });
}
