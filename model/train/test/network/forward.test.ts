/** What the built networks compute, against PyTorch and against published weights. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { encodeModelBytes, type Model, readModelFile } from "@cupel/onnx";
import { float32Of, openSession, type TensorData } from "@cupel/runtime";
import { mlp, mobilenetV2, resnet18, resnet34, resnet50, resnetCifar } from "@cupel/train";
import fixture from "../fixtures/network-logits.json" with { type: "json" };
import { formulaTensor, setFormulaParameters } from "../support/formula-tensor.ts";

const classes = 5;
const width = 4;
const square = (size: number) => [3, size, size] as const;

const networks: Readonly<Record<keyof typeof fixture, Model>> = {
  resnet18: resnet18({ classes, width, input: square(16), stem: "cifar" }),
  resnet34: resnet34({ classes, width, input: square(33) }),
  resnet50: resnet50({ classes, width, input: square(40) }),
  resnetCifar: resnetCifar({ depth: 20, classes, width, input: square(16) }),
  mobilenetV2: mobilenetV2({ classes, width: 0.25, input: square(33) }),
  "mobilenetV2 small": mobilenetV2({ classes, width: 0.25, input: square(16), stem: "cifar" }),
  mlp: mlp({ inputs: 7, hidden: [6, 4], classes, activation: "tanh" }),
};

for (const [name, model] of Object.entries(networks)) {
  test(`${name} computes what PyTorch computes with the same parameters`, async () => {
    setFormulaParameters(model);
    const dims = [2, ...model.graph.inputs[0]!.shape!.slice(1).map(Number)];
    const data = formulaTensor("input", dims, 0, 2).toFloat32();
    const expected = fixture[name as keyof typeof fixture];
    assertClose(await logitsOf(model, { type: "float32", dims, data }), expected, 2e-5);
  });
}

const models = join(
  process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data"),
  "models",
);
const published = {
  resnet20_cifar10: () => resnetCifar({ depth: 20, classes: 10, input: square(32) }),
  resnet56_cifar10: () => resnetCifar({ depth: 56, classes: 10, input: square(32) }),
  resnet50_w32_pcb: () => resnet50({ classes: 7, width: 32, input: [1, 64, 64] }),
};

for (const [name, build] of Object.entries(published)) {
  const path = join(models, `${name}.onnx`);
  const skip = existsSync(path) ? false : "the test data is not here (set CUPEL_DATA)";
  test(`trained weights of ${name} fit by name and give the same logits`, { skip }, async () => {
    const model = build();
    const reference = await readModelFile(path);
    for (const value of model.graph.initializers) {
      if (/\.(pads|starts|ends|axes|steps)$/.test(value.name)) continue;
      const weight = reference.graph.value(value.name)?.constant;
      assert.deepEqual(weight?.dims, value.constant!.dims, value.name);
      model.graph.setConstant(value, weight!);
    }
    const dims = [2, ...model.graph.inputs[0]!.shape!.slice(1).map(Number)];
    const input: TensorData = {
      type: "float32",
      dims,
      data: formulaTensor("input", dims, 0, 2).toFloat32(),
    };
    assertClose(await logitsOf(model, input), await logitsOf(reference, input), 1e-6);
  });
}

async function logitsOf(model: Model, input: TensorData): Promise<Float32Array> {
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const { logits } = await session.run({ input });
  return float32Of(logits!);
}

/** Within `tolerance` of the largest expected value. */
function assertClose(actual: Float32Array, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = Math.max(...Array.from(expected, Math.abs));
  const distances = Array.from(expected, (value, index) => Math.abs(value - actual[index]!) / largest);
  assert.ok(Math.max(...distances) < tolerance, `off by ${Math.max(...distances)} of the largest value`);
}
