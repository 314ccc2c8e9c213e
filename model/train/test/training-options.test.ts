/** What the compiled step refuses, and that it says why. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { attribute, Emitter, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { compileStep, mlp, openTrainer, type TrainingStepOptions } from "@cupel/train";

/** Three channels of one pixel, normalised, then two classes. */
function normalisedPixel(): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", ["N", 3, 1, 1])));
  graph.inputs.push(x);
  const held = ["scale", "offset", "mean", "variance"].map((name) =>
    graph.addConstant(name, Tensor.float32([3], [1, 1, 1])),
  );
  const { output } = graph.append({ opType: "BatchNormalization", name: "bn", inputs: [x, ...held] });
  const flat = graph.append({ opType: "Flatten", inputs: [output] }).output;
  const weight = graph.addConstant("weight", Tensor.float32([3, 2], [1, -1, 0.5, 0.2, 0.1, 0.4]));
  const type = tensorType("float32", ["N", 2]);
  graph.outputs.push(graph.append({ opType: "MatMul", inputs: [flat, weight], outputs: ["y"], type }).output);
  return model;
}

const network = () => mlp({ inputs: 4, hidden: [3], classes: 2 });

suite("options out of range are refused by name", () => {
  const refused: readonly (readonly [Omit<TrainingStepOptions, "batch">, RegExp])[] = [
    [{ loss: { kind: "cross-entropy", smoothing: -0.1 } }, /smoothing -0.1/],
    [{ loss: { kind: "cross-entropy", smoothing: Number.NaN } }, /smoothing NaN/],
    [{ loss: { kind: "distillation", weight: 1.5 } }, /weight 1.5/],
    [{ loss: { kind: "distillation", temperature: 0 } }, /temperature 0/],
    [{ loss: { kind: "hinge" } as never }, /no loss "hinge".*cross-entropy, mse, distillation/],
    [{ optimiser: { kind: "sgd", momentum: 1 } }, /momentum 1/],
    [{ optimiser: { kind: "sgd", weightDecay: -1e-4 } }, /weightDecay -0.0001/],
    [{ optimiser: { kind: "adamw", beta1: 1 } }, /beta1 1/],
    [{ optimiser: { kind: "adamw", beta2: -0.5 } }, /beta2 -0.5/],
    [{ optimiser: { kind: "adamw", epsilon: Number.NaN } }, /epsilon NaN/],
    [{ optimiser: { kind: "lamb" } as never }, /no optimiser "lamb".*sgd and adamw/],
    [{ optimiser: { kind: "sgd", nesterov: true, momentum: 0 } }, /nesterov.*momentum/],
    [{ clipNorm: 0 }, /clipNorm 0/],
    [{ clipNorm: Number.NaN }, /clipNorm NaN/],
    [{ trainable: () => false }, /[Nn]othing is trained/],
  ];
  for (const [options, message] of refused) {
    test(message.source, () => {
      assert.throws(() => compileStep(network(), { batch: 2, ...options }), {
        code: "TRAINING_CONFIG_INVALID",
        message,
      });
    });
  }
  for (const batch of [0, -1, 1.5, Number.NaN]) {
    test(`a batch of ${batch}`, () => {
      assert.throws(() => compileStep(network(), { batch }), { code: "TRAINING_CONFIG_INVALID" });
    });
  }
  test("a batch that leaves a normalisation one value a channel, unless its statistics are frozen", () => {
    const model = normalisedPixel();
    assert.throws(() => compileStep(model, { batch: 1 }), {
      code: "TRAINING_CONFIG_INVALID",
      message: /bn.* normalises one value of each channel.*larger batch/,
    });
    compileStep(model, { batch: 1, statistics: "frozen" });
    compileStep(model, { batch: 2 });
  });
  test("the bounds that have a meaning are taken", () => {
    for (const options of [
      { loss: { kind: "cross-entropy", smoothing: 1 } },
      { loss: { kind: "distillation", weight: 0 } },
      { optimiser: { kind: "sgd", momentum: 0, weightDecay: 0 } },
    ] as const) {
      compileStep(network(), { batch: 1, ...options });
    }
  });
});

suite("an output that is no list of classes", () => {
  const ending = (dims: readonly number[]): Model => {
    const model = new Model({ irVersion: 9, opsets: new Map([["", 18]]) });
    const emit = new Emitter(model);
    const x = emit.input("input", "float32", dims);
    const scale = emit.floats(
      dims.slice(1),
      new Float32Array(dims.slice(1).reduce((a, b) => a * b, 1)).fill(1),
    );
    model.graph.outputs.push(emit.mul(x, scale));
    return model;
  };
  for (const dims of [
    [2, 3, 1, 1],
    [2, 1],
  ]) {
    test(`[${dims}] is refused for a loss over classes`, () => {
      assert.throws(() => compileStep(ending(dims), { batch: 2, trainable: () => true }), {
        code: "OUTPUT_UNSUPPORTED",
        message: new RegExp(`\\[${dims}\\].*\\[batch, classes\\]`),
      });
    });
  }
  test("has a mean squared error all the same", () => {
    assert.deepEqual(compileStep(ending([2, 3, 2, 1]), { batch: 2, loss: { kind: "mse" } }).outputs, [
      "loss",
    ]);
  });
});

test("an operator without a gradient is refused by name", () => {
  const model = network();
  const { graph } = model;
  graph.outputs[0] = graph.append({ opType: "Hardmax", inputs: [graph.outputs[0]!] }).output;
  assert.throws(() => compileStep(model, { batch: 2 }), { code: "GRADIENT_UNSUPPORTED", message: /Hardmax/ });
});

test("a size that stays unknown is refused by the value's name", () => {
  const model = new Model({ irVersion: 9, opsets: new Map([["", 18]]) });
  const emit = new Emitter(model);
  const x = emit.input("input", "float32", [1, 3, 8, 8]);
  x.type = { kind: "tensor", elementType: "float32", shape: ["N", 3, "H", "W"] };
  const weight = emit.floats([2, 3, 1, 1], new Float32Array(6).fill(1));
  const features = model.graph.append({ opType: "Conv", inputs: [x, weight] }).output;
  const axes = { axes: attribute.ints([2, 3]) };
  model.graph.outputs.push(
    model.graph.append({ opType: "ReduceMean", inputs: [features], attributes: axes }).output,
  );
  assert.throws(() => compileStep(model, { batch: 2 }), {
    code: "SHAPE_NOT_STATIC",
    message: /"input".*H, W/,
  });
});

suite("a batch that does not fit", () => {
  const inputs = { input: { type: "float32", dims: [2, 4], data: new Float32Array(8) } } as const;
  test("labels beyond the classes", async () => {
    await using trainer = await openTrainer(network(), { batch: 2, threads: 1 });
    for (const wrong of [2, -1]) {
      const before = await trainer.save();
      await assert.rejects(trainer.step({ inputs, labels: Int32Array.of(0, wrong) }, 0.1), {
        code: "LABELS_MISMATCH",
        message: new RegExp(`label ${wrong}, .*2 classes`),
      });
      assert.deepEqual(await trainer.save(), before);
    }
  });
  test("no labels, too few, or images of another size", async () => {
    await using trainer = await openTrainer(network(), { batch: 2, threads: 1 });
    await assert.rejects(trainer.step({ inputs }, 0.1), { code: "INPUT_MISSING", message: /labels/ });
    await assert.rejects(trainer.step({ inputs, labels: Int32Array.of(1) }, 0.1), { message: /labels/ });
    const small = { input: { type: "float32", dims: [1, 4], data: new Float32Array(4) } } as const;
    await assert.rejects(trainer.step({ inputs: small, labels: Int32Array.of(0, 1) }, 0.1), {
      code: "INPUT_SHAPE_MISMATCH",
    });
    assert.equal(trainer.steps, 0);
  });
});
