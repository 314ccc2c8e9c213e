/** A network with rounding in it: what it computes and its gradients are the formulas, and a step sees what is exported. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { attribute, Emitter, encodeModel, Model, Tensor } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import {
  differentiate,
  type FakeQuantisation,
  fakeQuantise,
  gradientName,
  openTrainer,
  readQuantised,
} from "@cupel/train";

const random = createRandom(4);
const normal = (size: number) => Float32Array.from({ length: size }, () => random.normal());

async function outputsOf(model: Model, feeds: Parameters<Awaited<ReturnType<typeof openSession>>["run"]>[0]) {
  const configEntries = { "session.disable_quant_qdq": "1" };
  await using session = await openSession(encodeModel(model), { threads: 1, configEntries });
  return await session.run(feeds);
}

test("a weight of 3 bits: integers, gradients of weight and step are those of LSQ", async () => {
  const [rows, columns] = [3, 40];
  const model = new Model({ irVersion: 10, opsets: new Map([["", 21]]) });
  const emit = new Emitter(model);
  const weight = normal(rows * columns);
  const upstream = normal(rows * columns);
  const w = model.graph.addConstant("w", Tensor.float32([rows, columns], weight));
  const weighted = emit.mul(w, emit.input("dy", "float32", [rows, columns]));
  model.graph.outputs.push(emit.reduce("ReduceSum", weighted, [0, 1], false));
  const steps = Float32Array.of(0.3, 0.5, 1);
  const [low, high, half] = [-4, 3, 4];
  const quantised = fakeQuantise(model, {
    activations: [],
    weights: [
      { name: "w", axis: 0, steps, levels: Int8Array.from({ length: 8 }, (_, at) => at + low), bias: null },
    ],
  });
  assert.deepEqual([...quantised.parameters], ["w.latent", "w.step"]);
  const { model: reader, names } = readQuantised(quantised.model, quantised);
  const read = await outputsOf(reader, {});
  const levels = float32Of(read[names.levels.get("w")!]!);
  const expected = Array.from(weight, (x, at) => {
    const inSteps = Math.fround(x / steps[Math.floor(at / columns)]!);
    return Math.max(low, Math.min(high, Math.round(inSteps)));
  });
  assert.deepEqual(
    Array.from(levels, (x) => x + 0),
    expected.map((x) => x + 0),
  );
  assert.deepEqual(Array.from(float32Of(read[names.steps.get("w")!]!)), Array.from(steps));
  assert.ok(expected.includes(low) && expected.includes(high));

  const wrt = ["w.latent", "w.step"];
  const loss = quantised.model.graph.outputs[0]!.name;
  const gradients = await outputsOf(differentiate(quantised.model, { loss, wrt }), {
    dy: { type: "float32", dims: [rows, columns], data: upstream },
  });
  const [du, dt] = wrt.map((name) => float32Of(gradients[gradientName(name)]!));
  const dStep = new Float64Array(rows);
  for (const [at, x] of weight.entries()) {
    const row = Math.floor(at / columns);
    const inSteps = x / steps[row]!;
    const isInside = inSteps > low && inSteps < high;
    assert.ok(Math.abs(du![at]! - (isInside ? upstream[at]! * steps[row]! * half : 0)) < 1e-5);
    dStep[row]! += upstream[at]! * steps[row]! * (expected[at]! - (isInside ? inSteps : 0));
  }
  for (const row of [0, 1, 2]) assert.ok(Math.abs(dt![row]! - dStep[row]!) < 1e-4, `${dt} and ${dStep}`);
});

test("the loss of a step is that of the network it exports, and training leaves the integers in their range", async () => {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const emit = new Emitter(model);
  const { graph } = model;
  const constant = (name: string, dims: readonly number[]) =>
    graph.addConstant(name, Tensor.float32(dims, normal(dims.reduce((a, b) => a * b, 1))));
  const x = emit.input("x", "float32", [4, 3, 6, 6]);
  const pads = { pads: attribute.ints([1, 1, 1, 1]) };
  const conv = emit.op("Conv", [x, constant("w", [5, 3, 3, 3]), constant("b", [5])], pads);
  const relu = emit.op("Relu", [conv]);
  const strided = { ...pads, strides: attribute.ints([2, 2]) };
  const second = emit.op("Conv", [relu, constant("v", [4, 5, 3, 3]), constant("c", [4])], strided);
  graph.outputs.push(emit.reshape(emit.op("GlobalAveragePool", [second]), [4, 4]));
  const spec: FakeQuantisation = {
    activations: [
      { values: ["x"], step: 0.03, zeroPoint: 128 },
      { values: [relu.name], step: 0.05, zeroPoint: 0, most: 0.05 },
    ],
    weights: [
      {
        name: "w",
        axis: 0,
        steps: new Float32Array(5).fill(0.2),
        levels: Int8Array.from({ length: 16 }, (_, at) => at - 8),
        bias: { name: "b", input: "x" },
      },
      {
        name: "v",
        axis: 0,
        steps: Float32Array.of(0.6),
        levels: Int8Array.of(-2, -1, 0, 1),
        bias: { name: "c", input: null },
      },
    ],
  };
  const quantised = fakeQuantise(model, spec);
  const isOurs = (name: string) => quantised.parameters.has(name);
  await using trainer = await openTrainer(quantised.model, {
    batch: 4,
    optimiser: { kind: "adamw", weightDecay: 0 },
    parameters: isOurs,
    trainable: isOurs,
    threads: 1,
  });
  const images = { x: { type: "float32" as const, dims: [4, 3, 6, 6], data: normal(432) } };
  const labels = Int32Array.of(0, 1, 2, 3);
  for (let step = 0; step < 5; step++) {
    const exported = await trainer.exportModel();
    const scores = float32Of(Object.values(await outputsOf(exported, images))[0]!);
    const { loss } = await trainer.step({ inputs: images, labels }, 0.05);
    const losses = [0, 1, 2, 3].map((at) => {
      const row = scores.subarray(4 * at, 4 * at + 4);
      return Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0)) - row[at]!;
    });
    const expected = losses.reduce((sum, each) => sum + each, 0) / 4;
    assert.ok(Math.abs(loss - expected) < 1e-5 * Math.max(1, expected), `${loss} and ${expected}`);
  }
  const { model: reader, names } = readQuantised(await trainer.exportModel(), quantised);
  const read = await outputsOf(reader, {});
  const levels = float32Of(read[names.levels.get("v")!]!);
  assert.ok(levels.every((level) => [-2, -1, 0, 1].includes(level)));
  assert.ok(float32Of(read[names.activations.get(relu.name)!]!)[0]! <= Math.fround(0.05));
  const unit = Math.fround(
    float32Of(read[names.activations.get("x")!]!)[0]! * float32Of(read[names.steps.get("w")!]!)[0]!,
  );
  const inUnits = float32Of(read[names.biases.get("b")!]!)[0]! / unit;
  assert.ok(Math.abs(inUnits - Math.round(inUnits)) < 1e-3, "the bias is a whole number of units");
});

test("a name that is none of the network's is refused", () => {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const activations = [{ values: ["none"], step: 1, zeroPoint: 0 }];
  assert.throws(() => fakeQuantise(model, { activations, weights: [] }), {
    code: "TRAINING_CONFIG_INVALID",
    message: /"none"/,
  });
});
