/** Of equal maxima the first has the gradient, as in PyTorch: differences cannot tell, the function has a kink there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, Emitter, encodeModelBytes, Model } from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import { differentiate, gradientName } from "../src/differentiate.ts";

const { ints } = attribute;

const pools = [
  {
    opType: "MaxPool",
    name: "windows side by side",
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    firsts: [0, 2, 8, 10],
  },
  {
    opType: "MaxPool",
    name: "overlapping windows",
    attributes: { kernel_shape: ints([3, 3]) },
    firsts: [0, 1, 4, 5],
  },
  { opType: "GlobalMaxPool", name: "one window", attributes: {}, firsts: [0] },
];

for (const { opType, name, attributes, firsts } of pools) {
  test(`${opType}, ${name}`, async () => {
    const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
    const emit = new Emitter(model);
    const x = emit.input("x", "float32", [1, 1, 4, 4]);
    const loss = emit.reduce("ReduceSum", emit.op(opType, [x], attributes), [0, 1, 2, 3], false);
    model.graph.outputs.push(loss);
    const trained = differentiate(model, { loss: loss.name, wrt: ["x"] });
    await using session = await openSession(encodeModelBytes(trained), { threads: 1 });
    const data = new Float32Array(16).fill(1);
    const results = await session.run({ x: { type: "float32", dims: [1, 1, 4, 4], data } });
    const expected = Array.from(data, (_, at) => (firsts.includes(at) ? 1 : 0));
    assert.deepEqual(Array.from(results[gradientName("x")]!.data, Number), expected);
  });
}
