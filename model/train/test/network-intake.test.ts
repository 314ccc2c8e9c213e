/** Networks as exporters write them are trained as their plain twins: 16-bit floats, nodes out of order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, Model, readModel, Tensor, tensorType, Value, writeFloat16 } from "@cupel/onnx";
import { compileStep, openTrainer } from "@cupel/train";
import { formulaTensor } from "./support/formula-tensor.ts";

const batch = 2;
const images = { type: "float32", dims: [batch, 3], data: Float32Array.of(1, 2, -1, 0.5, -2, 4) } as const;
type FloatType = "float32" | "float16";

/** MatMul, Relu, MatMul: [1, 3] to scores of 4 classes. Weights are multiples of 1/16, which 16 bits hold. */
function network(type: FloatType, order: readonly number[], { softmax = false } = {}): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType(type, [1, 3])));
  graph.inputs.push(x);
  const weights = (name: string, dims: readonly number[]) => {
    const values = formulaTensor(name, dims, 0, 1)
      .toFloat32()
      .map((value) => Math.round(value * 16) / 16);
    const tensor =
      type === "float32"
        ? Tensor.float32(dims, values)
        : Tensor.fromBytes(type, dims, new Uint8Array(writeFloat16(values).buffer));
    return graph.addConstant(name, tensor);
  };
  const [w, v] = [weights("w", [3, 5]), weights("fc", [5, 4])];
  const made = ["a", "b", "y", "p"].map((name) => graph.newValue(name));
  const [a, b, y, p] = made as [Value, Value, Value, Value];
  const nodes = [
    { opType: "MatMul", inputs: [x, w], outputs: [a] },
    { opType: "Relu", inputs: [a], outputs: [b] },
    { opType: "MatMul", inputs: [b, v], outputs: [y] },
  ];
  for (const index of order) graph.append(nodes[index]!);
  if (softmax) graph.append({ opType: "Softmax", inputs: [y], outputs: [p] });
  graph.outputs.push(softmax ? p : y);
  graph.outputs[0]!.type = tensorType(type, [1, 4]);
  return model;
}

async function losses(model: Model): Promise<number[]> {
  await using trainer = await openTrainer(model, { batch, threads: 1 });
  const found: number[] = [];
  for (let step = 0; step < 3; step++) {
    const labels = Int32Array.of(step, 3);
    found.push((await trainer.step({ inputs: { x: images }, labels }, 0.1)).loss);
  }
  return found;
}

const inOrder = [0, 1, 2];
const turned = [2, 1, 0];

for (const [what, model] of [
  ["float16", network("float16", inOrder)],
  ["float16 that ends in Softmax", network("float16", inOrder, { softmax: true })],
  ["nodes out of order", network("float32", turned)],
  ["float16 with nodes out of order", network("float16", turned)],
] as const) {
  test(`${what}: trained as its twin in float32 and in order, bit for bit`, async () => {
    assert.deepEqual(await losses(model), await losses(network("float32", inOrder)));
  });
}

test("what is exported takes and gives what the network declared", () => {
  const { exportModel, notes } = compileStep(network("float16", turned), { batch });
  const { inputs, outputs } = readModel(encodeModelBytes(exportModel({}))).graph;
  for (const { type } of [inputs[0]!, outputs[0]!])
    assert.equal(type?.kind === "tensor" && type.elementType, "float16");
  assert.match(notes.join(), /float32 what was float16/);
});
