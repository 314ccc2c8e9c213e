/** Cleaning never changes what a network computes: every case runs before and after on the engine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attribute, cloneModel, inferShapes, type Model, runPasses, Tensor, tensorType } from "@cupel/onnx";
import { intakePasses } from "../src/intake/take-in.ts";
import { weightedLayers } from "../src/layer.ts";
import { cleanPasses } from "../src/stage/clean.ts";
import { Network } from "./support/network.ts";
import { assertSameFunction, feed, operators } from "./support/run.ts";

/** The cleaned copy, after the check that it still computes the same. */
async function cleaned(model: Model, dims: readonly number[] = [2, 3, 8, 8]): Promise<Model> {
  const copy = cloneModel(model);
  inferShapes(copy);
  runPasses(copy, [...intakePasses, ...cleanPasses], undefined);
  await assertSameFunction(model, copy, feed(dims));
  return copy;
}

describe("BatchNormalization folds into", () => {
  for (const opType of ["Conv", "ConvTranspose"] as const) {
    for (const bias of [true, false]) {
      for (const group of [1, 3]) {
        test(`${opType} ${bias ? "with" : "without"} bias, ${group} groups`, async () => {
          const net = new Network();
          const y = net.conv("conv", net.x, 3, 6, { bias, group, opType });
          const clean = await cleaned(net.done(net.batchNorm("norm", y, 6)));
          assert.deepEqual(operators(clean), [opType]);
          assert.equal(clean.graph.outputs[0]!.name, "norm");
          assert.equal([...clean.graph.nodes][0]!.input(1)!.name, "conv.weight", "the weight keeps its name");
        });
      }
    }
  }

  test("a depthwise Conv", async () => {
    const net = new Network(["N", 4, 8, 8]);
    const y = net.conv("conv", net.x, 4, 8, { group: 4 });
    assert.deepEqual(operators(await cleaned(net.done(net.batchNorm("norm", y, 8)), [2, 4, 8, 8])), ["Conv"]);
  });

  for (const transB of [0, 1]) {
    test(`Gemm with transB = ${transB}`, async () => {
      const net = new Network();
      const flat = net.node("Flatten", "flat", [net.x]);
      const y = net.gemm("dense", flat, 192, 5, transB);
      const clean = await cleaned(net.done(net.batchNorm("norm", y, 5)));
      assert.deepEqual(operators(clean), ["Flatten", "Gemm"]);
    });
  }

  test("Gemm whose bias is one number for all channels", async () => {
    const net = new Network();
    const flat = net.node("Flatten", "flat", [net.x]);
    const weight = net.constant("w", [5, 192], 0.1);
    const y = net.node("Gemm", "dense", [flat, weight, net.constant("b", [1])], { transB: 1 });
    assert.deepEqual(operators(await cleaned(net.done(net.batchNorm("norm", y, 5)))), ["Flatten", "Gemm"]);
  });
});

describe("BatchNormalization stays", () => {
  test("when something else reads the layer's output", async () => {
    const net = new Network();
    const y = net.conv("conv", net.x, 3, 4);
    const model = net.done(net.node("Add", "sum", [net.batchNorm("norm", y, 4), y]));
    assert.ok(operators(await cleaned(model)).includes("BatchNormalization"));
  });

  test("when the layer's output is an output of the model", async () => {
    const net = new Network();
    const y = net.conv("conv", net.x, 3, 4);
    const model = net.done(y, net.batchNorm("norm", y, 4));
    assert.ok(operators(await cleaned(model)).includes("BatchNormalization"));
  });

  test("when it comes before its Conv", async () => {
    const net = new Network();
    const first = net.conv("first", net.x, 3, 4);
    const normed = net.relu(net.batchNorm("norm", net.relu(first), 4));
    const model = net.done(net.conv("second", normed, 4, 4));
    assert.deepEqual(operators(await cleaned(model)), ["Conv", "Relu", "BatchNormalization", "Relu", "Conv"]);
  });

  test("behind a Gemm with one bias an image", async () => {
    const net = new Network([2, 3, 8, 8]);
    const flat = net.node("Flatten", "flat", [net.x]);
    const weight = net.constant("w", [5, 192], 0.1);
    const y = net.node("Gemm", "dense", [flat, weight, net.constant("b", [2, 1])], { transB: 1 });
    const clean = await cleaned(net.done(net.batchNorm("norm", y, 5)));
    assert.ok(operators(clean).includes("BatchNormalization"));
    assert.equal(weightedLayers(clean.graph).length, 0, "and is no layer to quantise");
  });
});

test("a BatchNormalization that two nodes read folds", async () => {
  const net = new Network();
  const normed = net.batchNorm("norm", net.conv("conv", net.x, 3, 4), 4);
  const model = net.done(net.node("Add", "sum", [net.relu(normed), normed]));
  assert.deepEqual(operators(await cleaned(model)), ["Conv", "Relu", "Add"]);
});

test("two layers that share weights and statistics are folded each with its own", async () => {
  const net = new Network(["N", 4, 8, 8]);
  const y = net.conv("first", net.x, 4, 4);
  const { graph } = net.model;
  const [weight, bias] = [graph.value("first.weight")!, graph.value("first.bias")!];
  const normed = net.batchNorm("norm", y, 4);
  const again = net.node("Conv", "second", [normed, weight, bias], { pads: [1, 1, 1, 1] });
  const norms = ["gamma", "beta", "mean", "var"].map((part) => graph.value(`norm.${part}`)!);
  const model = net.done(net.node("BatchNormalization", "norm2", [again, ...norms]));
  const clean = await cleaned(model, [2, 4, 8, 8]);
  assert.deepEqual(operators(clean), ["Conv", "Conv"]);
  const names = weightedLayers(clean.graph).map((layer) => layer.weight.name);
  assert.equal(new Set(names).size, 2);
});

test("Identity of constants, as exporters alias shared biases, goes", async () => {
  const net = new Network();
  const bias = net.constant("shared", [3], 1);
  const alias = (name: string) => net.node("Identity", name, [bias]);
  const first = net.node("Conv", "a", [net.x, net.constant("w1", [3, 3, 1, 1]), alias("alias1")]);
  const model = net.done(net.node("Conv", "b", [first, net.constant("w2", [3, 3, 1, 1]), alias("alias2")]));
  const clean = await cleaned(model);
  assert.deepEqual(operators(clean), ["Conv", "Conv"]);
  assert.equal(weightedLayers(clean.graph).length, 2);
});

test("weights in Constant nodes become initialisers", async () => {
  const net = new Network();
  const made = net.model.graph.append({
    opType: "Constant",
    name: "w",
    inputs: [],
    outputs: ["w"],
    attributes: { value: attribute.tensor(Tensor.float32([2, 3, 1, 1], [1, 2, 3, 4, 5, 6])) },
    type: tensorType("float32", [2, 3, 1, 1]),
  });
  const clean = await cleaned(net.done(net.node("Conv", "conv", [net.x, made.output])));
  assert.deepEqual(operators(clean), ["Conv"]);
  assert.equal(weightedLayers(clean.graph)[0]!.weight.name, "w");
});

test("parameters listed among the inputs are no inputs afterwards", async () => {
  const net = new Network();
  const y = net.batchNorm("norm", net.conv("conv", net.x, 3, 4), 4);
  const { graph } = net.model;
  for (const name of ["conv.weight", "norm.gamma"]) {
    const value = graph.value(name)!;
    value.type = tensorType("float32", value.shape);
    graph.inputs.unshift(value);
  }
  const clean = await cleaned(net.done(y));
  assert.deepEqual(
    clean.graph.inputs.map((value) => value.name),
    ["x"],
  );
  assert.deepEqual(operators(clean), ["Conv"]);
});

test("Dropout goes, also at an output, whose name stays", async () => {
  const net = new Network();
  const dropped = net.node("Dropout", "drop", [net.conv("conv", net.x, 3, 4)]);
  const clean = await cleaned(net.done(net.node("Dropout", "y", [net.relu(dropped)])));
  assert.deepEqual(operators(clean), ["Conv", "Relu"]);
  assert.equal(clean.graph.outputs[0]!.name, "y");
});

test("an Identity between two names that callers know stays", async () => {
  const net = new Network();
  const y = net.conv("conv", net.x, 3, 4);
  const clean = await cleaned(net.done(y, net.node("Identity", "alias", [y])));
  assert.deepEqual(
    clean.graph.outputs.map((value) => value.name),
    ["conv", "alias"],
  );
});

describe("activations move to their layer", () => {
  for (const [opType, attributes] of [
    ["MaxPool", { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] }],
    ["Transpose", { perm: [0, 2, 3, 1] }],
    ["Flatten", {}],
  ] as const) {
    test(`Relu ahead of ${opType}`, async () => {
      const net = new Network();
      const moved = net.node(opType, "moved", [net.conv("conv", net.x, 3, 4)], attributes);
      const clean = await cleaned(net.done(net.relu(moved)));
      assert.deepEqual(operators(clean), ["Conv", "Relu", opType]);
    });
  }

  test("Clip ahead of two of them in a row", async () => {
    const net = new Network();
    const pooled = net.node("MaxPool", "pool", [net.conv("conv", net.x, 3, 4)], { kernel_shape: [2, 2] });
    const flat = net.node("Flatten", "flat", [pooled]);
    const clipped = net.node("Clip", "clip", [flat, net.scalar("low", 0), net.scalar("high", 1)]);
    assert.deepEqual(operators(await cleaned(net.done(clipped))), ["Conv", "Clip", "MaxPool", "Flatten"]);
  });

  test("but not past a Pad, whose zeros Clip may raise, nor where another node reads", async () => {
    const net = new Network();
    const y = net.conv("conv", net.x, 3, 4);
    const padded = net.node("Pad", "pad", [y, net.integers("pads", [0, 0, 1, 1, 0, 0, 1, 1])]);
    const clipped = net.node("Clip", "clip", [padded, net.scalar("low", 0.5)]);
    const pooled = net.node("MaxPool", "pool", [clipped], { kernel_shape: [2, 2] });
    const model = net.done(net.node("Add", "sum", [net.relu(pooled), pooled]));
    assert.deepEqual(operators(await cleaned(model)), ["Conv", "Pad", "Clip", "MaxPool", "Relu", "Add"]);
  });

  test("nor a Clip whose bound is computed after the place it would move to", async () => {
    const net = new Network();
    const pooled = net.node("MaxPool", "pool", [net.conv("conv", net.x, 3, 4)], { kernel_shape: [2, 2] });
    const bound = net.node("ReduceMax", "bound", [net.x], { keepdims: 0 });
    const model = net.done(net.node("Clip", "clip", [pooled, null, bound]));
    assert.equal(operators(await cleaned(model)).at(-1), "Clip");
  });

  test("and a Relu of what is already clipped at zero goes", async () => {
    const net = new Network();
    const y = net.relu(net.conv("conv", net.x, 3, 4));
    const clean = await cleaned(net.done(net.node("Relu", "again", [y])));
    assert.deepEqual(operators(clean), ["Conv", "Relu"]);
    assert.equal(clean.graph.outputs[0]!.name, "again");
  });
});

describe("dense layers become Gemm", () => {
  for (const shape of [[5], [1, 5]]) {
    test(`MatMul and Add of [${shape}]`, async () => {
      const net = new Network();
      const product = net.node("MatMul", "product", [
        net.node("Flatten", "flat", [net.x]),
        net.constant("w", [192, 5], 0.1),
      ]);
      const clean = await cleaned(net.done(net.node("Add", "y", [net.constant("b", shape), product])));
      assert.deepEqual(operators(clean), ["Flatten", "Gemm"]);
      assert.equal(weightedLayers(clean.graph)[0]!.weight.name, "w");
    });
  }

  test("but not where the Add makes a tensor of another rank, or adds by image", async () => {
    for (const dims of [
      [1, 1, 5],
      [2, 1],
    ]) {
      const net = new Network([2, 3, 8, 8]);
      const product = net.node("MatMul", "product", [
        net.node("Flatten", "flat", [net.x]),
        net.constant("w", [192, 5], 0.1),
      ]);
      const clean = await cleaned(net.done(net.node("Add", "y", [product, net.constant("b", dims)])));
      assert.deepEqual(operators(clean), ["Flatten", "MatMul", "Add"]);
    }
  });
});
