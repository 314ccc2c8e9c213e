/** A network that was exported for one image is trained with as many as one likes, and is exported for any number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, inferShapes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { compileStep } from "../src/step/training-step.ts";

/** Conv, a Reshape whose target names the batch, Gemm: [batch, 1, 4, 4] to 3 scores. */
function network(batch: number | string | null): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", [batch, 1, 4, 4])));
  graph.inputs.push(x);
  const weights = (name: string, dims: readonly number[]) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return graph.addConstant(
      name,
      Tensor.float32(
        dims,
        Array.from({ length: size }, (_, i) => Math.sin(i)),
      ),
    );
  };
  const conv = graph.append({ opType: "Conv", inputs: [x, weights("w", [2, 1, 3, 3])] });
  const target = graph.addConstant("target", Tensor.int64([2], [typeof batch === "number" ? batch : -1, 8]));
  const flat = graph.append({ opType: "Reshape", inputs: [conv.output, target] });
  const scores = graph.append({
    opType: "Gemm",
    inputs: [flat.output, weights("v", [3, 8])],
    outputs: ["y"],
    attributes: { transB: attribute.int(1) },
  });
  graph.outputs.push(scores.output);
  inferShapes(model);
  return model;
}

for (const batch of [1, 4, null, "N"]) {
  test(`declared for ${batch ?? "-1"} images`, () => {
    const step = compileStep(network(batch), {
      batch: 5,
      loss: { kind: "cross-entropy" },
      optimiser: { kind: "sgd" },
    });
    assert.equal(step.batch, 5);
    assert.equal(step.parameters, 2 * 9 + 3 * 8);
    assert.equal(typeof step.exportModel({}).graph.inputs[0]!.shape![0], "string");
  });
}
