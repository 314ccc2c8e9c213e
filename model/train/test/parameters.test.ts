/** Which constants are parameters, which of them share a constant, and what is frozen. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { attribute, type Model, readModel, Tensor, type Value } from "@cupel/onnx";
import {
  compileStep,
  fitOptionsOf,
  openTrainer,
  parseTrainingConfig,
  resnet18,
  type TrainingStepOptions,
} from "@cupel/train";
import exported from "./fixtures/exported.json" with { type: "json" };
import { GraphWriter } from "./support/parameter-forms.ts";
import { randomBatch } from "./support/random-batch.ts";

type Write = (net: GraphWriter, x: Value) => Value;

interface Place {
  /** Whether it is written before the convolution. */
  readonly before?: boolean;
  readonly producer?: string;
}

/** Conv, what is written, Gemm: [4, 3, 2, 2] to 5 scores. */
function network(write: Write, { before = false, producer = "" }: Place = {}): Model {
  const net = new GraphWriter([4, 3, 2, 2]);
  const conv = (x: Value) => net.node("Conv", [x, net.constant("conv.weight", [3, 3, 1, 1])]);
  const features = before ? conv(write(net, net.input)) : write(net, conv(net.input));
  const flat = net.node("Flatten", [features]);
  const model = net.finish(net.node("Gemm", [flat, net.constant("fc.weight", [12, 5])]));
  model.producerName = producer;
  return model;
}

const compiled = (model: Model, options: Omit<TrainingStepOptions, "batch"> = {}) =>
  compileStep(model, { batch: 4, ...options });

const multiplied =
  (name: string, dims: readonly number[]): Write =>
  (net, x) =>
    net.node("Mul", [x, net.constant(name, dims, 1)]);

const masked: Write = (net, x) => {
  const mask = net.model.graph.addConstant("val_5", Tensor.float32([2, 2], [0, -1e9, 0, -1e9]));
  return net.node("Add", [x, mask]);
};

suite("whether a constant is a parameter", () => {
  const rows: readonly (readonly [what: string, Write, is: boolean, Place?])[] = [
    ["several numbers, whatever their name", multiplied("val_7", [3, 1, 1]), true],
    ["one number by the path of a module", multiplied("block.3.alpha", [1]), true],
    ["one number by a variable of Keras", multiplied("net/rezero/ReadVariableOp:0", [1]), true],
    ["one number by a bare name of PyTorch", multiplied("alpha", [1]), true, { producer: "pytorch" }],
    ["one number by a bare name of others", multiplied("alpha", [1]), false],
    ["one number that an exporter named", multiplied("val_7", [1]), false, { producer: "pytorch" }],
    ["a literal of the code", multiplied("/block/Constant_1_output_0", [3, 1, 1]), false],
    ["one number a channel of the input", multiplied("scale", [1, 3, 1, 1]), false, { before: true }],
    ["the same by the path of a module", multiplied("affine.scale", [3, 1, 1]), true, { before: true }],
    ["a deviation of images", multiplied("normalise.std", [3, 1, 1]), false, { before: true }],
    ["a mask", masked, false],
    ["a bound", (net, x) => net.node("Clip", [x, net.filled("block.low", [], -1)]), false],
  ];
  for (const [what, write, is, place] of rows) {
    test(`${what}: ${is ? "yes" : "no"}`, () => {
      const { trained, constant } = compiled(network(write, place)).counts;
      assert.equal(trained.length, is ? 3 : 2, `trained: ${trained}`);
      assert.equal(constant.length, is ? 0 : 1, `constant: ${constant}`);
    });
  }

  test("is decided otherwise by name", () => {
    const model = network(multiplied("val_7", [1]));
    const parameters = (name: string) => name === "val_7";
    assert.deepEqual(compiled(model, { parameters }).counts.trained, ["conv.weight", "val_7", "fc.weight"]);
  });

  test("weights that an operator without a gradient reads are constant, and that is said", () => {
    const write: Write = (net, x) => {
      const rows = net.node("Reshape", [x, net.integers(4, 1, 12)]);
      const weights = [net.constant("w", [1, 36, 12]), net.constant("r", [1, 36, 12])];
      const last = net.node("ReduceMean", [
        net.node("GRU", [rows, ...weights], { hidden_size: attribute.int(12) }),
      ]);
      return net.node("Add", [x, last]);
    };
    const { counts, notes } = compiled(network(write, { before: true }));
    assert.ok(!counts.trained.includes("w"));
    assert.match(notes.join(" "), /Not trained, because GRU cannot be differentiated: "w", "r"/);
  });
});

suite("a constant that several layers read", () => {
  /** Two 1x1 convolutions with the constants that are given, an Identity before the second's bias where `alias` names it. */
  const twice =
    (weight: (net: GraphWriter, name: string) => Value, alias?: string): Write =>
    (net, x) => {
      const [w, bias] = [weight(net, "a.weight"), net.filled("a.bias", [3], 0)];
      const first = net.node("Conv", [x, w, bias]);
      const second = alias ? net.node("Identity", [bias]) : bias;
      if (alias) net.model.graph.rename(second, alias);
      return net.node("Conv", [net.node("Tanh", [first]), w, second]);
    };
  const drawn = (net: GraphWriter, name: string) => net.constant(name, [3, 3, 1, 1]);
  const trainedOf = (model: Model, options = {}) =>
    compiled(model, options).counts.trained.filter((name) => name.startsWith("a.") || name.startsWith("b."));

  test("is one parameter each where it is a vector; a matrix of unequal elements stays one", () => {
    const { counts, notes } = compiled(network(twice(drawn)));
    assert.deepEqual(
      counts.trained.filter((name) => name.startsWith("a.")),
      ["a.weight", "a.bias", "a.bias_1"],
    );
    assert.match(notes.join(" "), /2 parameters had 1 in this file \("a\.bias", "a\.bias_1" in one\)/);
    assert.match(notes.join(" "), /one parameter for all the layers that read it: "a\.weight"/);
  });
  test("is one parameter each where it is a matrix of equal elements", () => {
    const zeros = (net: GraphWriter, name: string) => net.filled(name, [3, 3, 1, 1], 0);
    assert.deepEqual(trainedOf(network(twice(zeros))), ["a.weight", "a.bias", "a.weight_1", "a.bias_1"]);
  });
  test("has the name that the exporter left at an Identity", () => {
    assert.deepEqual(trainedOf(network(twice(drawn, "b.bias"))), ["a.weight", "a.bias", "b.bias"]);
  });
  test("is one or apart as is asked for", () => {
    const config = { network: "net.onnx", tie: "a.b*", untie: "a.weight" };
    const model = network(twice(drawn));
    const { tied } = fitOptionsOf(parseTrainingConfig(config, "net.json").config, model);
    assert.deepEqual(trainedOf(model, { tied }), ["a.weight", "a.bias", "a.weight_1"]);
  });
  test("gets the sum of the gradients where it is one, and each its own where it is not", async () => {
    const model = network(twice(drawn));
    const batch = randomBatch([3, 2, 2], 4, 5, 3);
    const step = async (tied: boolean) => {
      const optimiser = { kind: "sgd", momentum: 0 } as const;
      await using trainer = await openTrainer(model, { batch: 4, threads: 1, optimiser, tied: () => tied });
      await trainer.step(batch, 1);
      return (await trainer.save()).values;
    };
    const [one, apart] = [await step(true), await step(false)];
    for (const [i, change] of one["a.bias"]!.entries()) {
      const sum = apart["a.bias"]![i]! + apart["a.bias_1"]![i]!;
      assert.ok(Math.abs(change - sum) < 1e-6, `${change} is not ${sum}`);
      assert.notEqual(apart["a.bias"]![i], apart["a.bias_1"]![i]);
    }
  });
  test("is left to those for which it is a constant", () => {
    const write: Write = (net, x) => {
      const one = net.filled("block.scale", [1], 1);
      return net.node("Mul", [net.node("Clip", [x, one]), one]);
    };
    const { counts, exportModel } = compiled(network(write));
    assert.deepEqual(counts.constant, ["block.scale_constant"]);
    const moved = exportModel({ "block.scale": Float32Array.of(7) }).graph;
    assert.deepEqual(moved.value("block.scale_constant")!.constant!.toNumbers(), [1]);
  });
});

test("what torch.onnx.export merged, and the biases of 0 it left out, are parameters under PyTorch's names", () => {
  const { counts, notes } = compiled(readModel(Buffer.from(exported.model, "base64")));
  assert.equal(counts.trained.length, exported.parameters.length);
  // Weights of MatMul are stored transposed, under a number.
  const unnamed = counts.trained.filter((name) => !exported.parameters.includes(name));
  assert.deepEqual(
    unnamed.filter((name) => !/^val_\d+$/.test(name)),
    [],
  );
  assert.match(
    notes.join(" "),
    /biases that were 0\. .*"conv\.bias", "blocks\.0\.attention\.out_proj\.bias"/,
  );
});

suite("what is frozen stays as it is", () => {
  const model = resnet18({ classes: 3, width: 4, input: [3, 8, 8], stem: "cifar" });
  const optionsOf = (settings: Readonly<Record<string, string>>) =>
    fitOptionsOf(parseTrainingConfig({ network: "net.onnx", ...settings }, "net.json").config, model);

  test("a BatchNormalization whose scale and offset are frozen keeps its running statistics", async () => {
    const { trainable } = optionsOf({ freeze: "conv1.*,bn1.*,layer1.0.bn1.weight,layer1.0.bn1.bias" });
    await using trainer = await openTrainer(model, { batch: 4, threads: 1, trainable: trainable! });
    for (const seed of [1, 2]) await trainer.step(randomBatch([3, 8, 8], 4, 3, seed), 0.05);
    const { graph } = await trainer.exportModel();
    const moved = [...model.graph.initializers].filter(
      (value) => !Buffer.from(graph.value(value.name)!.constant!.bytes()).equals(value.constant!.bytes()),
    );
    const names = moved.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => /^(conv1|bn1|layer1\.0\.bn1)\./.test(name)),
      [],
    );
    assert.ok(names.includes("layer1.0.bn2.running_mean"));
    assert.equal(trainer.compiled.counts.frozen.length, 5);
  });
  test("nothing moves of those that are not chosen", () => {
    const { trainable } = optionsOf({ freeze: "*", train: "fc.*" });
    const { state, counts } = compileStep(model, { batch: 4, trainable: trainable! });
    const kept = state.filter(({ role }) => role === "parameter" || role === "statistic");
    assert.deepEqual(new Set(kept.map(({ name }) => name)), new Set(["fc.weight", "fc.bias"]));
    assert.equal(counts.frozen.length, 60);
  });
  test("statistics alone may be", () => {
    const { trainable } = optionsOf({ freeze: "bn1.running_*" });
    const names = compileStep(model, { batch: 4, trainable: trainable! }).state.map(({ name }) => name);
    assert.ok(names.includes("bn1.weight") && !names.includes("bn1.running_mean"));
  });
  test("a name that is none is refused, in every list", () => {
    for (const option of ["freeze", "train", "tie", "untie"]) {
      assert.throws(() => optionsOf({ [option]: "conv9.*" }), {
        code: "TRAINING_CONFIG_INVALID",
        message: new RegExp(`"${option}" names no parameter with "conv9\\.\\*"`),
      });
    }
  });
});
