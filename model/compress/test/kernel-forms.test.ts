/**
 * The table of 8-bit forms against the graph the engine leaves: what the table puts on integers fuses without a
 * conversion in between, and what it leaves in float loads and runs. Scales are made up: form, not accuracy.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  attribute,
  cloneModel,
  encodeModel,
  inferShapes,
  type Model,
  runPasses,
  Tensor,
  type Value,
} from "@cupel/onnx";
import { fusionReport } from "@cupel/runtime";
import { emitQdq } from "../src/emit/emit-qdq.ts";
import { type KernelChoice, placeQuantisers } from "../src/emit/placement.ts";
import { weightedLayers, weightRows } from "../src/layer.ts";
import { cleanPasses } from "../src/stage/clean.ts";
import { quantiseWeights } from "../src/weights/quantise-weights.ts";
import { Network } from "./support/network.ts";
import { feed, outputs } from "./support/run.ts";

/** Cleaned and rounded under made-up scales. */
function inIntegers(float: Model, choice: KernelChoice = "wherever-possible"): Model {
  const model = cloneModel(float);
  inferShapes(model);
  runPasses(model, cleanPasses);
  inferShapes(model);
  const placement = placeQuantisers(model.graph, new Set(), choice);
  const weights = weightedLayers(model.graph).map((layer) => {
    const { rows, columns } = layer;
    const alike = new Float32Array(columns).fill(1);
    const rounded = quantiseWeights(
      { weights: weightRows(layer), rows, columns, importanceOf: () => alike, leastScaleOf: () => 0 },
      { bits: 8, levels: "uniform", granularity: "channel", blockSize: null, maxLevel: 127 },
    );
    return [layer.weight.name, rounded] as const;
  });
  const scaleOf = (value: Value) => ({ scale: 0.03, zeroPoint: value.producer?.is("Relu") ? 0 : 120 });
  const activations = new Map(
    placement.values.map((value) => {
      const fixed =
        placement.fixedScale.get(value) ?? placement.fixedScale.get(placement.sameScale.get(value)!);
      return [value.name, fixed ?? scaleOf(value)] as const;
    }),
  );
  emitQdq(model, {
    values: placement.values,
    activations,
    weights: new Map(weights),
    integer: placement.integer,
  });
  return model;
}

type Body = (net: Network, y: Value) => Value;
interface Row {
  readonly opset?: number;
  readonly body: Body;
  /** Channels that come out of the body. Default 8. */
  readonly channels?: number;
}

const pool =
  (opType: string, attributes = {}): Body =>
  (net, y) =>
    net.node(opType, "body", [y], { kernel_shape: [2, 2], ...attributes });
const resize =
  (mode: string): Body =>
  (net, y) => {
    const sizes = net.model.graph.addConstant("scales", Tensor.float32([4], [1, 1, 2, 2]));
    return net.node("Resize", "body", [y, null, sizes], {
      mode,
      coordinate_transformation_mode: "asymmetric",
    });
  };
const alone =
  (opType: string, attributes = {}): Body =>
  (net, y) =>
    net.node(opType, "body", [y], attributes);

/** No conversion but at the image and at the scores. */
const onIntegers: Readonly<Record<string, Row>> = {
  AveragePool: { body: pool("AveragePool") },
  "AveragePool with dilations of one": { opset: 19, body: pool("AveragePool", { dilations: [1, 1] }) },
  "MaxPool with dilations": { body: pool("MaxPool", { dilations: [2, 2] }) },
  Sigmoid: { body: alone("Sigmoid") },
  SiLU: { body: (net, y) => net.node("Mul", "body", [y, net.node("Sigmoid", "gate", [y])]) },
  LeakyRelu: { body: alone("LeakyRelu") },
  "Softmax over channels": { body: alone("Softmax", { axis: 1 }) },
  Transpose: { body: alone("Transpose", { perm: [0, 1, 3, 2] }) },
  DepthToSpace: { body: alone("DepthToSpace", { blocksize: 2 }), channels: 2 },
  Gather: {
    body: (net, y) => net.node("Gather", "body", [y, net.integers("of", [1, 3, 5, 7])], { axis: 1 }),
    channels: 4,
  },
  "Resize by the nearest element": { body: resize("nearest") },
  Split: {
    body: (net, y) => {
      const { outputs: parts } = net.model.graph.append({
        opType: "Split",
        inputs: [y, net.integers("sizes", [4, 4])],
        outputs: ["left", "right"],
        attributes: { axis: attribute.int(1) },
      });
      return net.node("Concat", "body", [parts[0]!, net.conv("one", parts[1]!, 4, 4)], { axis: 1 });
    },
  },
  "Pad with axes": {
    opset: 18,
    body: (net, y) => net.node("Pad", "body", [y, net.integers("p", [1, 1]), null, net.integers("a", [3])]),
  },
};

/** Loads and runs, and nothing of the body is rounded. The engine's own operator where it fuses several. */
const inFloat: Readonly<Record<string, Row & { readonly runs: string }>> = {
  "AveragePool with dilations": {
    opset: 19,
    body: pool("AveragePool", { dilations: [2, 2] }),
    runs: "AveragePool",
  },
  "Resize by two elements": { body: resize("linear"), runs: "Resize" },
  "Pad by reflection, with axes": {
    opset: 18,
    body: (net, y) => {
      const inputs = [y, net.integers("p", [1, 1]), null, net.integers("a", [3])];
      return net.node("Pad", "body", inputs, { mode: "reflect" });
    },
    runs: "Pad",
  },
  HardSwish: { opset: 14, body: alone("HardSwish"), runs: "HardSigmoid" },
  "Gelu written with Erf": {
    body: (net, y) => {
      const root = net.node("Erf", "erf", [net.node("Div", "part", [y, net.scalar("root", Math.SQRT2)])]);
      const twice = net.node("Mul", "twice", [y, net.node("Add", "more", [root, net.scalar("one", 1)])]);
      return net.node("Mul", "body", [twice, net.scalar("half", 0.5)]);
    },
    runs: "Gelu",
  },
  "Gelu written with Erf, halved first": {
    body: (net, y) => {
      const root = net.node("Erf", "erf", [net.node("Div", "part", [y, net.scalar("root", Math.SQRT2)])]);
      const half = net.node("Mul", "halved", [y, net.scalar("half", 0.5)]);
      return net.node("Mul", "body", [half, net.node("Add", "more", [root, net.scalar("one", 1)])]);
    },
    runs: "Gelu",
  },
  "Gelu written with Tanh": {
    body: (net, y) => {
      const cube = net.node("Mul", "cube", [net.node("Mul", "square", [y, y]), y]);
      const bent = net.node("Mul", "bent", [cube, net.scalar("small", 0.044715)]);
      const wide = net.node("Add", "wide", [y, bent]);
      const tanh = net.node("Tanh", "tanh", [
        net.node("Mul", "stretched", [wide, net.scalar("root", Math.sqrt(2 / Math.PI))]),
      ]);
      const gate = net.node("Mul", "gate", [
        net.node("Add", "more", [tanh, net.scalar("one", 1)]),
        net.scalar("half", 0.5),
      ]);
      return net.node("Mul", "body", [y, gate]);
    },
    runs: "Tanh",
  },
  "LayerNormalization written out": {
    body: (net, y) => {
      const axes = { axes: [3], keepdims: 1 };
      const off = net.node("Sub", "off", [y, net.node("ReduceMean", "mean", [y], axes)]);
      const square = net.node("Pow", "square", [off, net.scalar("two", 2)]);
      const variance = net.node("ReduceMean", "variance", [square], axes);
      const root = net.node("Sqrt", "root", [net.node("Add", "safe", [variance, net.scalar("eps", 1e-5)])]);
      const normal = net.node("Div", "normal", [off, root]);
      const scaled = net.node("Mul", "scaled", [normal, net.constant("gamma", [8])]);
      return net.node("Add", "body", [scaled, net.constant("beta", [8])]);
    },
    runs: "LayerNormalization",
  },
};

/** Conv, Relu, Conv, the body, Conv, and a dense layer. */
function around({ opset = 13, body, channels = 8 }: Row): Model {
  const net = new Network(["N", 3, 8, 8], 1, opset);
  const first = net.relu(net.conv("first", net.x, 3, 8));
  const y = body(net, net.conv("middle", first, 8, 8));
  return net.done(net.head(net.relu(net.conv("last", y, channels, 8)), 8));
}

async function operatorsOf(model: Model): Promise<Map<string, number>> {
  const { operators } = await fusionReport(encodeModel(model));
  return new Map(operators.map(({ opType, count }) => [opType.split(".").at(-1)!, count]));
}

describe("on integers", () => {
  for (const [name, row] of Object.entries(onIntegers)) {
    test(name, async () => {
      const found = await operatorsOf(inIntegers(around(row)));
      const told = JSON.stringify([...found]);
      assert.equal(found.get("QuantizeLinear"), 1, told);
      assert.equal(found.get("DequantizeLinear") ?? 0, 0, told);
    });
  }
});

describe("in float", () => {
  for (const [name, row] of Object.entries(inFloat)) {
    test(name, async () => {
      const model = inIntegers(around(row), "where-faster");
      const found = await operatorsOf(model);
      assert.ok(found.has(row.runs), JSON.stringify([...found]));
      assert.ok(found.has("QLinearConv"), "what stands before it is rounded");
      const [scores] = await outputs(model, feed([2, 3, 8, 8]));
      assert.ok(scores!.every(Number.isFinite));
    });
  }
});
