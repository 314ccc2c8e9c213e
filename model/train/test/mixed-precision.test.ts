/** Mixed precision: where the step computes in float16, and what loss scaling does when that is not enough. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CupelError } from "@cupel/base";
import { attribute, Model, type Node, Tensor, tensorType, Value } from "@cupel/onnx";
import {
  compileStep,
  mlp,
  openTrainer,
  resnetCifar,
  type StepBatch,
  type TrainerOptions,
  type TrainerState,
} from "@cupel/train";
import { openRounding } from "./support/half-rounding.ts";
import { plainCnn, randomBatch } from "./support/random-batch.ts";

const classes = 3;
const image = [3, 8, 8] as const;
const perceptron = mlp({ inputs: 6, hidden: [8], classes, seed: 3 });
const resnet = resnetCifar({ depth: 8, width: 4, classes, input: image, seed: 3 });
const rounding = { batch: 8, threads: 1, precision: "mixed", open: openRounding } as const;

suite("placement", () => {
  const { graph } = compileStep(resnet, { batch: 8, precision: "mixed", clipNorm: 1 }).graph;
  const arithmetic = ["Conv", "ConvTranspose", "Gemm", "MatMul"];
  const movement = ["Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Transpose"];

  test("only arithmetic and what moves its operands is float16", () => {
    const operators = new Set([...graph.nodes].filter(isHalfNode).map((node) => node.opType));
    operators.delete("Cast");
    assert.ok(operators.has("MatMul") && operators.has("Gemm"));
    for (const operator of operators) {
      assert.ok([...arithmetic, ...movement].includes(operator), operator);
    }
  });

  test("every product is float16 but those with ones, which are sums", () => {
    const isFilled = (value: Value | null) => value?.producer?.is("ConstantOfShape") === true;
    const products = [...graph.nodes].filter((node) => arithmetic.includes(node.opType));
    const sums = products.filter((node) => node.inputs.some(isFilled));
    assert.ok(sums.length >= 4 * 7, "mean and variance of seven normalisations, there and back");
    for (const node of products) assert.equal(isHalfNode(node), !sums.includes(node), node.label);
  });

  test("rows are cast before they are gathered: half the bytes", () => {
    const casts = [...graph.nodes].filter((node) => node.is("Cast") && isHalfNode(node));
    const gathers = [...graph.nodes].filter((node) => node.is("Gather"));
    assert.ok(gathers.some(isHalfNode));
    for (const cast of casts) {
      const maker = cast.input(0)!.producer;
      const source = maker?.is("Reshape") ? maker.input(0)!.producer : maker;
      assert.ok(!source?.is("Gather"), cast.label);
    }
  });

  test("all that is kept is float32", () => {
    for (const value of [...graph.inputs, ...graph.outputs]) {
      if (value.name === "cupel.labels") continue;
      assert.equal(typeOf(value), "float32", value.name);
    }
  });

  test("the step says what it does and where it pays", () => {
    const { notes } = compileStep(perceptron, { batch: 8, precision: "mixed" });
    // Two layers forward, their weights backward, and the hidden layer's output.
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /^5 matrix products .* float16.*CPU engine.*float32.*saves no time/);
    assert.deepEqual(compileStep(perceptron, { batch: 8 }).notes, []);
  });
});

suite("training in float16 stays near training in float32", () => {
  const cases: Record<string, readonly [Model, readonly number[], Partial<TrainerOptions>]> = {
    "a perceptron, AdamW, clipped": [perceptron, [6], { optimiser: { kind: "adamw" }, clipNorm: 1 }],
    "dense, strided and depthwise convolutions": [plainCnn(), image, {}],
    "residual blocks with batch normalisation": [resnet, image, {}],
  };
  for (const [name, [network, dims, options]] of Object.entries(cases)) {
    test(name, async () => {
      await using full = await openTrainer(network, { ...options, batch: 8, threads: 1 });
      await using mixed = await openTrainer(network, { ...options, ...rounding });
      for (let step = 0; step < 5; step++) {
        const batch = randomBatch(dims, 8, classes, step);
        const expected = await full.step(batch, 0.02);
        const actual = await mixed.step(batch, 0.02);
        assert.equal(actual.skipped, false);
        assert.notEqual(actual.loss, expected.loss, "nothing was rounded");
        // float16 has 11 bits: 2^-11 = 0.0005 an operand, and a few of them.
        assert.ok(Math.abs(actual.loss - expected.loss) < 0.01 * expected.loss, `step ${step}`);
      }
    });
  }
});

suite("overflow", () => {
  const good = (seed: number) => randomBatch(image, 8, classes, seed);
  /** Beyond the 65504 of float16, and far from the end of float32. */
  const huge = scaled(good(9), 1e6);

  test("skips the step, halves the scale and is counted; nothing else changes by a bit", async () => {
    await using trainer = await openTrainer(resnet, { ...rounding, optimiser: { kind: "adamw" } });
    await trainer.step(good(1), 0.01);
    const before = await trainer.save();
    const result = await trainer.step(huge, 0.01);
    assert.equal(result.skipped, true);
    assert.equal(result.lossScale, 65536);
    const after = await trainer.save();
    const { "cupel.loss_scale": scale, "cupel.skipped_steps": skipped, ...rest } = after.values;
    assert.deepEqual([scale![0], skipped![0]], [32768, 1]);
    assert.equal(rest["cupel.good_steps"]![0], 0);
    for (const [name, values] of Object.entries(rest)) {
      if (name !== "cupel.good_steps") assert.deepEqual(values, before.values[name], name);
    }
    const next = await trainer.step(good(2), 0.01);
    assert.deepEqual([next.skipped, next.lossScale], [false, 32768]);
  });

  test("a skipped step is none for the optimiser: AdamW's correction counts without it", async () => {
    const options = { ...rounding, optimiser: { kind: "adamw" } } as const;
    await using interrupted = await openTrainer(perceptron, options);
    await using straight = await openTrainer(perceptron, {
      ...options,
      // What the scale of the other is after its overflow; a power of two rounds nothing.
      lossScaling: { initial: 32768 },
    });
    const batch = (seed: number) => randomBatch([6], 8, classes, seed);
    assert.equal((await interrupted.step(scaled(batch(0), 1e6), 0.01)).skipped, true);
    for (const seed of [1, 2]) {
      await interrupted.step(batch(seed), 0.01);
      await straight.step(batch(seed), 0.01);
    }
    assertEqualBut(await interrupted.save(), await straight.save(), ["cupel.skipped_steps"]);
  });

  test("with nothing left to halve it is a divergence, and the state is as before", async () => {
    await using trainer = await openTrainer(resnet, { ...rounding, lossScaling: { initial: 2 } });
    const before = await trainer.save();
    assert.equal((await trainer.step(huge, 0.01)).skipped, true);
    await assert.rejects(trainer.step(huge, 0.01), (thrown: unknown) => {
      assert.ok(thrown instanceof CupelError);
      assert.equal(thrown.code, "LOSS_NOT_FINITE");
      assert.match(thrown.message, /^Step 2 overflows even without loss scaling/);
      return true;
    });
    const scaling = ["cupel.loss_scale", "cupel.skipped_steps"];
    assertEqualBut({ ...(await trainer.save()), steps: 0 }, before, scaling);
  });
});

test("the scale doubles after so many good steps in a row, and no further than 2^24", async () => {
  const lossScaling = { initial: 2 ** 22, growthInterval: 3 };
  await using trainer = await openTrainer(faintNetwork(1e-7), {
    ...rounding,
    loss: { kind: "mse" },
    lossScaling,
  });
  const input = randomBatch([6], 8, classes, 1);
  const faint = { ...input, target: new Float32Array(8 * classes).fill(1) };
  const overflowing = { ...scaled(input, 1e6), target: faint.target };
  const scales: number[] = [];
  for (const batch of [faint, faint, overflowing, ...Array.from({ length: 13 }, () => faint)]) {
    scales.push(Math.log2((await trainer.step(batch, 0)).lossScale!));
  }
  assert.deepEqual(scales, [22, 22, 22, 21, 21, 21, 22, 22, 22, 23, 23, 23, 24, 24, 24, 24]);
});

test("gradients too small for float16 survive with a scale, and only with one", async () => {
  const input = randomBatch([6], 8, classes, 1).inputs.input;
  const target = new Float32Array(8 * classes).fill(1);
  const batch = { inputs: { input }, target };
  // With momentum 0 and this learning rate the update is 1e6 times the gradient.
  const options = {
    ...rounding,
    loss: { kind: "mse" },
    optimiser: { kind: "sgd", momentum: 0 },
  } as const;
  const changeOf = async (given: Partial<TrainerOptions>): Promise<Float32Array> => {
    await using trainer = await openTrainer(faintNetwork(1e-7), { ...options, ...given });
    const { values: before } = await trainer.save();
    await trainer.step(batch, 1e6);
    const { values: after } = await trainer.save();
    return after.weight!.map((value, index) => value - before.weight![index]!);
  };
  const expected = await changeOf({ precision: "float32", open: undefined });
  assert.ok(expected.every((value) => Math.abs(value) > 1e-4));
  const unscaled = await changeOf({ lossScaling: { initial: 1 } });
  assert.ok(
    unscaled.every((value) => value === 0),
    "2e-7 / 24 is below half of 2^-24, the least of float16",
  );
  const scaledChange = await changeOf({});
  for (const [index, value] of scaledChange.entries()) {
    assert.ok(Math.abs(value - expected[index]!) < 0.01 * Math.abs(expected[index]!), `${index}`);
  }
});

for (const [name, lossScaling] of Object.entries({
  "a scale below 1": { initial: 0.5 },
  "a scale above 2^24": { initial: 2 ** 25 },
  "no steps to grow after": { growthInterval: 0 },
})) {
  test(`refused: ${name}`, () => {
    assert.throws(() => compileStep(perceptron, { batch: 8, precision: "mixed", lossScaling }), {
      code: "TRAINING_CONFIG_INVALID",
    });
  });
}

function scaled(batch: ReturnType<typeof randomBatch>, factor: number): StepBatch {
  const { input } = batch.inputs;
  return { ...batch, inputs: { input: { ...input, data: input.data.map((value) => value * factor) } } };
}

/** [8, 6] times a weight [6, 3], times a factor: every gradient carries that factor. */
function faintNetwork(factor: number): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const { graph } = model;
  const input = graph.add(new Value("input", tensorType("float32", ["N", 6])));
  graph.inputs.push(input);
  const weights = Float32Array.from({ length: 6 * classes }, (_, index) => (index % 5) / 5);
  const weight = graph.addConstant("weight", Tensor.float32([6, classes], weights));
  const product = graph.append({
    opType: "Gemm",
    inputs: [input, weight],
    attributes: { alpha: attribute.float(1) },
  });
  const faint = graph.addConstant("factor", Tensor.float32([], [factor]));
  const output = graph.append({
    opType: "Mul",
    inputs: [product.output, faint],
    outputs: ["output"],
    type: tensorType("float32", ["N", classes]),
  });
  graph.outputs.push(output.output);
  return model;
}

function assertEqualBut(actual: TrainerState, expected: TrainerState, names: readonly string[]): void {
  for (const [name, values] of Object.entries(expected.values)) {
    if (!names.includes(name)) assert.deepEqual(actual.values[name], values, name);
  }
}

const isHalfNode = (node: Node) => typeOf(node.output) === "float16";

function typeOf(value: Value) {
  return value.type?.kind === "tensor" ? value.type.elementType : null;
}
