import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, encodeModelBytes, graphSummary, layersOf, readModelFile, Tensor } from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";
import { realModel } from "./support/files.ts";

const mobilenet = realModel("mobilenet_v1_0.75");
test("MobileNet 0.75 has the 325 M multiply-adds and 2.6 M parameters of its paper", {
  skip: mobilenet ? false : "no test data: set CUPEL_DATA",
}, async () => {
  const summary = graphSummary(await readModelFile(mobilenet!));
  // Howard et al. 2017, table 6: 325 million mult-adds, 2.6 million parameters.
  assert.equal(Math.round(summary.macs / 1e6), 325);
  assert.equal(Math.round(summary.parameters / 1e5), 26);
  assert.equal(summary.operators.Conv, 28);
  assert.deepEqual(summary.inputs, [{ name: "input", elementType: "float32", shape: ["N", 3, 224, 224] }]);
  assert.deepEqual(summary.outputs, [{ name: "logits", elementType: "float32", shape: ["N", 1000] }]);
});

const resnet = realModel("resnet20");
test("ResNet-20 has the 0.27 M parameters of its paper, and a summary changes nothing", {
  skip: resnet ? false : "no test data: set CUPEL_DATA",
}, async () => {
  const model = await readModelFile(resnet!);
  const before = encodeModelBytes(model);
  // He et al. 2016, table 6: 0.27 M.
  assert.equal(Math.round(graphSummary(model).parameters / 1e4), 27);
  assert.ok(Buffer.from(encodeModelBytes(model)).equals(before));
});

test("a layer tells its output, parameters, bytes, type and multiply-adds", () => {
  const model = modelOf({ x: ["N", 4, 8, 8] });
  const { graph } = model;
  const weight = graph.addConstant("w", Tensor.float32([6, 2, 3, 3], new Float32Array(108)));
  const bias = graph.addConstant("b", Tensor.float32([6], new Float32Array(6)));
  const attributes = {
    group: attribute.int(2),
    pads: attribute.ints([1, 1, 1, 1]),
    strides: attribute.ints([2, 2]),
  };
  graph.append({ opType: "Conv", name: "conv", inputs: [valueNamed(model, "x"), weight, bias], attributes });
  assert.deepEqual(layersOf(model), [
    {
      label: 'Conv "conv"',
      name: "conv",
      opType: "Conv",
      outputShape: ["N", 6, 4, 4],
      parameters: 114,
      bytes: 456,
      weightType: "float32",
      macs: 6 * 4 * 4 * 2 * 9,
    },
  ]);
});

test("weights behind DequantizeLinear and Cast count to the layer that uses them, as stored", () => {
  const model = modelOf({ x: ["N", 4] }, 21);
  const { graph } = model;
  const packed = graph.addConstant("q", Tensor.fromBytes("int4", [4, 6], new Uint8Array(12)));
  const scale = graph.addConstant("s", Tensor.float32([6], new Float32Array(6)));
  const wide = graph.append({ opType: "Cast", inputs: [packed], attributes: { to: attribute.int(3) } });
  const weight = graph.append({
    opType: "DequantizeLinear",
    inputs: [wide.output, scale],
    attributes: { axis: attribute.int(1) },
  });
  graph.append({ opType: "MatMul", name: "dense", inputs: [valueNamed(model, "x"), weight.output] });
  const [layer, ...others] = layersOf(model);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [layer?.parameters, layer?.bytes, layer?.weightType, layer?.macs],
    [24, 12 + 24, "int4", 24],
  );
});

test("shared weights are counted once, shape constants and scalars never", () => {
  const model = modelOf({ x: ["N", 4] });
  const { graph } = model;
  const weight = graph.addConstant("w", Tensor.float32([4, 4], new Float32Array(16)));
  const first = graph.append({ opType: "MatMul", inputs: [valueNamed(model, "x"), weight] });
  const second = graph.append({ opType: "MatMul", inputs: [first.output, weight] });
  const target = graph.addConstant("t", Tensor.int64([2], [-1, 4]));
  const reshaped = graph.append({ opType: "Reshape", inputs: [second.output, target] });
  graph.append({
    opType: "Clip",
    inputs: [reshaped.output, graph.addConstant("low", Tensor.float32([], [0]))],
  });
  const { layers, parameters, weightBytes } = graphSummary(model);
  assert.deepEqual(
    layers.map((layer) => layer.parameters),
    [16, 0, 0, 0],
  );
  assert.equal(parameters, 16);
  assert.equal(weightBytes, 64 + 16 + 4);
});
