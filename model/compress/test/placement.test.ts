/** Whole networks in 8 bits: they fuse, keep their face, and stay close to the float network. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeModel, type Model, Tensor, type Value } from "@cupel/onnx";
import { float32Of, fusionReport } from "@cupel/runtime";
import { compress, parseRecipe } from "../src/index.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { feed, outputs, run, sqnr } from "./support/run.ts";

/** These networks are too small for 8 bits to pay everywhere: what is asked here is that each form runs. */
async function in8Bits(model: Model): Promise<Model> {
  const stages = [{ stage: "clean" }, { stage: "equalise" }, { stage: "calibrate" }];
  const quantise = { stage: "quantise", kernels: "wherever-possible" };
  const recipe = parseRecipe({ stages: [...stages, quantise] }, "the recipe");
  const { model: small } = await compress(model, {
    images: noiseImages(24),
    preprocessing: plain(),
    recipe,
    threads: 1,
  });
  return small;
}

/** Images like those calibrated on: uniform in about -1.7..1.7. */
const image = () => {
  const { data, ...rest } = feed([4, 3, 8, 8]);
  return { ...rest, data: Float32Array.from(data as Float32Array, (x) => Math.max(-1.7, Math.min(1.7, x))) };
};

type Body = (net: Network, y: Value) => Value;

/** What stands between a first Conv with 8 channels and a last one. */
const bodies: Readonly<Record<string, Body>> = {
  Relu: (net, y) => net.relu(y),
  Clip: (net, y) => net.node("Clip", "clip", [y, net.scalar("low", 0), net.scalar("high", 1)]),
  "Clip without a lower bound": (net, y) => net.node("Clip", "clip", [y, null, net.scalar("high", 1)]),
  "Clip to both sides of zero": (net, y) =>
    net.node("Clip", "clip", [y, net.scalar("low", -1), net.scalar("high", 1)]),
  "Clip to a bound that float32 rounds": (net, y) =>
    net.node("Clip", "clip", [y, net.scalar("low", 0), net.scalar("high", 0.7)]),
  "Clip to more on one side of zero": (net, y) =>
    net.node("Clip", "clip", [y, net.scalar("low", -0.3), net.scalar("high", 1.7)]),
  Add: (net, y) => net.node("Add", "sum", [net.relu(y), net.conv("side", net.x, 3, 8)]),
  Mul: (net, y) => net.node("Mul", "product", [y, net.node("Sigmoid", "gate", [y])]),
  Concat: (net, y) => {
    const both = net.node("Concat", "both", [net.relu(y), net.conv("side", net.x, 3, 4)], { axis: 1 });
    return net.conv("narrow", both, 12, 8, { kernel: 1 });
  },
  "Concat of a Clip and what is larger": (net, y) => {
    const clipped = net.node("Clip", "clip", [y, net.scalar("low", 0), net.scalar("high", 1)]);
    const both = net.node("Concat", "both", [clipped, net.conv("side", net.x, 3, 4)], { axis: 1 });
    return net.conv("narrow", both, 12, 8, { kernel: 1 });
  },
  Pad: (net, y) => net.node("Pad", "pad", [net.relu(y), net.integers("pads", [0, 0, 1, 1, 0, 0, 1, 1])]),
  Slice: (net, y) =>
    net.node("Slice", "slice", [
      y,
      net.integers("from", [2]),
      net.integers("to", [6]),
      net.integers("axis", [3]),
    ]),
  MaxPool: (net, y) => net.node("MaxPool", "max", [net.relu(y)], { kernel_shape: [2, 2], strides: [2, 2] }),
  AveragePool: (net, y) => net.node("AveragePool", "mean", [y], { kernel_shape: [2, 2], strides: [2, 2] }),
  Sigmoid: (net, y) => net.node("Sigmoid", "sigmoid", [y]),
  LeakyRelu: (net, y) => net.node("LeakyRelu", "leaky", [y], { alpha: 0.1 }),
  "an input used twice": (net, y) => net.node("Add", "twice", [y, y]),
  "a pre-activation BatchNormalization": (net, y) => net.relu(net.batchNorm("norm", net.relu(y), 8)),
  "a node unknown to quantisation": (net, y) => net.node("Softplus", "softplus", [y]),
};

/** Near others: a second of each is enough where long tests are asked for. */
const near = new Set([
  "Clip without a lower bound",
  "Clip to a bound that float32 rounds",
  "Concat of a Clip and what is larger",
  "AveragePool",
  "LeakyRelu",
  "an input used twice",
]);
const isLong = process.env.CUPEL_LONG_TESTS !== undefined;

for (const [name, body] of Object.entries(bodies)) {
  test(`${name}: convolutions run on integers, predictions stay within 8-bit noise`, {
    skip: near.has(name) && !isLong && "it takes long beside others: set CUPEL_LONG_TESTS",
  }, async () => {
    const net = new Network();
    const y = body(net, net.conv("first", net.x, 3, 8));
    const model = net.done(net.head(net.relu(net.conv("last", y, 8, 8)), 8));
    const small = await in8Bits(model);
    const float = await outputs(model, image());
    const optimised = await outputs(small, image());
    const plainly = await outputs(small, image(), { optimization: "disabled" });
    // One rounding to 8 bits leaves 6.02 * 8 + 1.76 - 20 log10(peak / (sigma sqrt 3)), about 40 dB; six of them,
    // and weights, leave 30 or more.
    assert.ok(sqnr(float[0]!, optimised[0]!) > 28, `${sqnr(float[0]!, optimised[0]!)} dB`);
    assert.ok(sqnr(plainly[0]!, optimised[0]!) > 34, `${sqnr(plainly[0]!, optimised[0]!)} dB`);
    const { convolutions, unfused } = await fusionReport(encodeModel(small));
    assert.equal(convolutions.total - convolutions.quantised, 0, JSON.stringify(unfused));
    assert.equal(small.graph.outputs[0]!.name, "scores");
  });
}

describe("outputs keep name, type and meaning", () => {
  test("two of them, one in the middle of the 8-bit part", async () => {
    const net = new Network();
    const middle = net.relu(net.conv("first", net.x, 3, 8));
    const model = net.done(net.head(net.relu(net.conv("last", middle, 8, 8)), 8), middle);
    const small = await in8Bits(model);
    assert.deepEqual(
      small.graph.outputs.map(({ name, shape }) => [name, shape]),
      model.graph.outputs.map(({ name, shape }) => [name, shape]),
    );
    for (const optimization of ["all", "disabled"] as const) {
      const [before, after] = [await run(model, image()), await run(small, image(), { optimization })];
      for (const name of Object.keys(before)) {
        const ratio = sqnr(float32Of(before[name]!), float32Of(after[name]!));
        assert.ok(ratio > 28, `${name}: ${ratio} dB`);
      }
    }
  });

  for (const [name, end] of Object.entries<Body>({
    "a Conv": (net, y) => net.conv("last", y, 8, 4),
    "a Conv, then Flatten": (net, y) => net.node("Flatten", "flat", [net.conv("last", y, 8, 4)]),
    "a Conv, then Relu": (net, y) => net.relu(net.conv("last", y, 8, 4)),
    "a Gemm, then Softmax": (net, y) => net.node("Softmax", "softmax", [net.head(y, 8)]),
    "an Add": (net, y) => net.node("Add", "sum", [net.conv("last", y, 8, 8), y]),
    "a MaxPool": (net, y) => net.node("MaxPool", "max", [y], { kernel_shape: [2, 2] }),
  })) {
    test(`the end is ${name}`, async () => {
      const net = new Network();
      const model = net.done(end(net, net.relu(net.conv("first", net.x, 3, 8))));
      const small = await in8Bits(model);
      assert.equal(small.graph.outputs[0]!.name, model.graph.outputs[0]!.name);
      for (const optimization of ["all", "disabled"] as const) {
        const [float] = await outputs(model, image());
        const [rounded] = await outputs(small, image(), { optimization });
        assert.ok(sqnr(float!, rounded!) > 28, `${sqnr(float!, rounded!)} dB, ${optimization}`);
      }
    });
  }
});

test("a ConvTranspose between 8-bit layers keeps its float weights on the engine", async () => {
  const net = new Network();
  const y = net.relu(net.conv("first", net.x, 3, 8));
  const wider = net.relu(net.conv("up", y, 8, 8, { opType: "ConvTranspose" }));
  const model = net.done(net.head(net.relu(net.conv("last", wider, 8, 8)), 8));
  const small = await in8Bits(model);
  const { operators, convolutions } = await fusionReport(encodeModel(small));
  assert.equal(operators.find(({ opType }) => opType === "ConvTranspose")?.count, 1);
  assert.equal(convolutions.quantised, 2);
  const [float, optimised, plainly] = [
    await outputs(model, image()),
    await outputs(small, image()),
    await outputs(small, image(), { optimization: "disabled" }),
  ];
  assert.ok(sqnr(float[0]!, optimised[0]!) > 28);
  assert.ok(sqnr(plainly[0]!, optimised[0]!) > 34);
});

describe("a layer that runs in float has 8-bit weights at rest", () => {
  const ends: Readonly<Record<string, (net: Network, y: Value) => Value>> = {
    ConvTranspose: (net, y) => net.conv("up", y, 8, 4, { opType: "ConvTranspose" }),
    "a depthwise ConvTranspose": (net, y) => net.conv("up", y, 8, 8, { opType: "ConvTranspose", group: 8 }),
    "a Conv that the caller reads": (net, y) => net.conv("last", y, 8, 4),
    "a MatMul with its constant on the left": (net, y) => {
      const flat = net.node("Reshape", "rows", [y, net.integers("shape", [0, 8, -1])]);
      return net.node("MatMul", "left", [net.constant("left.weight", [5, 8]), flat]);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => {
      const net = new Network();
      const model = net.done(end(net, net.relu(net.conv("first", net.x, 3, 8))));
      const small = await in8Bits(model);
      const weights = [...small.graph.initializers].filter(({ constant }) => constant!.size > 32);
      assert.deepEqual(new Set(weights.map(({ constant }) => constant!.type)), new Set(["int8"]));
      const [float, rounded] = [await outputs(model, image()), await outputs(small, image())];
      assert.ok(sqnr(float[0]!, rounded[0]!) > 28, `${sqnr(float[0]!, rounded[0]!)} dB`);
      // Folded when it loads: nothing of the weights is left to compute at a run.
      const { operators } = await fusionReport(encodeModel(small));
      assert.deepEqual(
        operators.filter(({ opType }) => opType === "Cast" || opType === "Mul"),
        [],
      );
    });
  }

  test("not a ConvTranspose with groups of several channels", async () => {
    const net = new Network();
    const y = net.relu(net.conv("first", net.x, 3, 8));
    const model = net.done(net.conv("up", y, 8, 8, { opType: "ConvTranspose", group: 2 }));
    const small = await in8Bits(model);
    assert.equal(small.graph.value("up.weight")?.constant?.type, "float32");
  });
});

test("a weighted sum of a Softmax keeps its digits where the shares are small (YOLO's box distances)", async () => {
  const net = new Network(["N", 3, 8, 8]);
  const y = net.conv("first", net.x, 3, 64);
  const bins = net.node("Reshape", "bins", [y, net.integers("as-bins", [0, 4, 16, 64])]);
  const turned = net.node("Transpose", "turned", [bins], { perm: [0, 2, 1, 3] });
  const shares = net.node("Softmax", "shares", [turned], { axis: 1 });
  const distances = Tensor.float32(
    [1, 16, 1, 1],
    Array.from({ length: 16 }, (_, i) => i),
  );
  const weight = net.model.graph.addConstant("distances", distances);
  const sums = net.node("Conv", "sums", [shares, weight], { kernel_shape: [1, 1] });
  const flat = net.node("Reshape", "flat", [sums, net.integers("as-boxes", [0, 4, 64])]);
  const model = net.done(net.node("Mul", "boxes", [flat, net.scalar("stride", 8)]));
  const small = await in8Bits(model);
  const [float] = await outputs(model, image());
  for (const optimization of ["all", "disabled"] as const) {
    const [rounded] = await outputs(small, image(), { optimization });
    assert.ok(sqnr(float!, rounded!) > 28, `${sqnr(float!, rounded!)} dB, ${optimization}`);
  }
});
