import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertFiniteWeights,
  assertOpset,
  assertStaticRank,
  attribute,
  bytesOf,
  findNonFinite,
  Graph,
  Model,
  readModelFile,
  Tensor,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { classifiers, realModels } from "./support/files.ts";

/** x times a weight, by the operator given. */
function weighing(tensor: Tensor, opType = "MatMul"): Model {
  const model = modelOf({ x: ["N", 3] });
  const weight = model.graph.addConstant("w", tensor);
  model.graph.append({ opType, inputs: [valueNamed(model, "x"), weight] });
  return model;
}

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

test("a NaN is found in any constant, of any float type, with its place", () => {
  assert.deepEqual(findNonFinite(weighing(Tensor.float32([3], [1, nan, 2]))), {
    value: "w",
    index: 1,
    what: "NaN",
  });
  const half = Tensor.fromBytes("float16", [2], bytesOf(Uint16Array.of(0x3c00, 0x7e01)));
  assert.deepEqual(findNonFinite(weighing(half)), { value: "w", index: 1, what: "NaN" });
  const brain = Tensor.fromBytes("bfloat16", [1], bytesOf(Uint16Array.of(0x7fc0)));
  assert.equal(findNonFinite(weighing(brain))?.what, "NaN");
  const double = Tensor.fromBytes("float64", [1], bytesOf(Float64Array.of(nan)));
  assert.equal(findNonFinite(weighing(double))?.what, "NaN");
  assert.equal(findNonFinite(weighing(Tensor.float32([3], [1, 1e38, -1e-45]))), null);
});

test("an infinite weight is refused, an infinite mask or bound is not", () => {
  const tensor = Tensor.float32([2], [0, -infinity]);
  assert.deepEqual(findNonFinite(weighing(tensor)), { value: "w", index: 1, what: "-Infinity" });
  assert.equal(findNonFinite(weighing(tensor, "Add")), null);
  assert.equal(findNonFinite(weighing(tensor, "Max")), null);
});

test("constants in bodies and Constant nodes are looked at too", () => {
  const model = modelOf({ c: ["bool", []] });
  const body = new Graph("body", model.graph);
  body.append({
    opType: "Constant",
    inputs: [],
    outputs: ["k"],
    attributes: { value: attribute.tensor(Tensor.float32([1], [nan])) },
  });
  model.graph.append({
    opType: "If",
    inputs: [valueNamed(model, "c")],
    attributes: { then_branch: attribute.graph(body) },
  });
  assert.equal(findNonFinite(model)?.value, "k");
});

test("the refusal names the weight and what to do", () => {
  assert.throws(() => assertFiniteWeights(weighing(Tensor.float32([1], [nan]))), {
    code: "WEIGHT_NOT_FINITE",
    message: /"w" is NaN at element 0.*checkpoint/,
  });
});

test("real models are finite, of known rank, and of a supported operator set", async () => {
  for (const path of realModels()) {
    const model = await readModelFile(path);
    assertFiniteWeights(model);
    assertStaticRank(model);
    assertOpset(model);
  }
  for (const path of classifiers()) assertOpset(await readModelFile(path), 13);
});

test("operator sets that are missing or too old are refused", () => {
  const at = (opset: number, min?: number) =>
    codeOf(() => assertOpset(new Model({ irVersion: 8, opsets: new Map(opset ? [["", opset]] : []) }), min));
  assert.equal(at(0), "OPSET_UNSUPPORTED");
  assert.equal(at(6), "OPSET_UNSUPPORTED");
  assert.equal(at(7), "nothing thrown");
  assert.equal(at(12, 13), "OPSET_UNSUPPORTED");
  assert.equal(
    codeOf(() => assertOpset(new Model({ irVersion: 8, opsets: new Map([["ai.onnx", 17]]) }))),
    "nothing thrown",
  );
});

test("an input of unknown rank is refused, one of unknown sizes is not", () => {
  assert.equal(
    codeOf(() => assertStaticRank(modelOf({ x: null }))),
    "RANK_UNKNOWN",
  );
  assert.equal(
    codeOf(() => assertStaticRank(modelOf({ x: ["N", null] }))),
    "nothing thrown",
  );
});
