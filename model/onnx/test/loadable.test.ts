/** What the engine would crash on, or take all memory for, is refused before it gets it; what it runs is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, NodeProtoSchema } from "../src/gen/onnx_pb.ts";
import {
  type Attribute,
  assertLoadable,
  attribute,
  type Dimension,
  estimateFolding,
  foldingGrowth,
  foldingLimit,
  Graph,
  type Model,
  readModelFile,
  Tensor,
  type Value,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { fixture, realModels } from "./support/files.ts";

interface Tools {
  readonly x: Value;
  op(
    opType: string,
    inputs: readonly Value[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: string,
  ): Value;
  integers(dims: readonly number[], values: readonly number[]): Value;
  floats(dims: readonly number[], values: readonly number[]): Value;
}

/** A model that adds to its input `x` the sum of what `make` makes. */
function adding(make: (tools: Tools) => Value, shape: readonly Dimension[] = ["N", 4]): Model {
  const model = modelOf({ x: shape });
  const { graph } = model;
  const x = valueNamed(model, "x");
  const op: Tools["op"] = (opType, inputs, attributes = {}, domain = "") =>
    graph.append({ opType, inputs, attributes, domain }).output;
  const integers: Tools["integers"] = (dims, values) => graph.addConstant("k", Tensor.int64(dims, values));
  const floats: Tools["floats"] = (dims, values) => graph.addConstant("k", Tensor.float32(dims, values));
  const cast = op("Cast", [make({ x, op, integers, floats })], { to: attribute.int(1) });
  graph.outputs.push(op("Add", [x, op("ReduceSum", [cast], { keepdims: attribute.int(0) })]));
  return model;
}

const loading = (model: Model) => codeOf(() => assertLoadable(model));
const ones = (count: number) => new Array<number>(count).fill(1);
const side = 30_000;
/** Of side x side elements in float32. */
const wide = 4 * side * side;

test("what would be computed ahead is estimated, whatever makes it large", () => {
  // Bytes of the result of the operator named; its Cast to float32 and the sum come to that.
  const cases: Readonly<Record<string, [bytes: number, make: (tools: Tools) => Value]>> = {
    ConstantOfShape: [wide, (k) => k.op("ConstantOfShape", [k.integers([2], [side, side])])],
    Expand: [wide, (k) => k.op("Expand", [k.floats([1], [1]), k.integers([2], [side, side])])],
    Tile: [wide, (k) => k.op("Tile", [k.floats([1], [1]), k.integers([1], [side * side])])],
    Pad: [wide, (k) => k.op("Pad", [k.floats([1], [1]), k.integers([2], [0, side * side - 1])])],
    Range: [
      2 * wide,
      (k) =>
        k.op(
          "Range",
          [0, side * side, 1].map((each) => k.integers([], [each])),
        ),
    ],
    HannWindow: [wide, (k) => k.op("HannWindow", [k.integers([], [side * side])])],
    Mul: [wide, (k) => k.op("Mul", [k.floats([1, side], ones(side)), k.floats([side, 1], ones(side))])],
    Gather: [
      wide,
      (k) => k.op("Gather", [k.floats([1, side], ones(side)), k.integers([side], ones(side).fill(0))]),
    ],
    OneHot: [
      2 * wide,
      (k) =>
        k.op("OneHot", [k.integers([side], ones(side)), k.integers([], [side]), k.integers([2], [0, 1])]),
    ],
  };
  for (const [name, [bytes, make]] of Object.entries(cases)) {
    const model = adding(make);
    assert.equal(estimateFolding(model).bytes, bytes + wide + 4, name);
    assert.equal(loading(model), "LOADING_TOO_LARGE", name);
  }
});

function doubled({ op }: Tools, first: Value, times: number): Value {
  let value = first;
  for (let i = 0; i < times; i++) value = op("Concat", [value, value], { axis: attribute.int(0) });
  return value;
}

test("doublings add up, of a shape and of what depends on the data", () => {
  for (const times of [3, 40]) {
    const model = adding((k) => doubled(k, k.op("Shape", [k.x]), times), [1, 4]);
    // Two integers of 8 bytes, then four, eight, ...; in float32 half of the last; the sum.
    assert.equal(estimateFolding(model).bytes, 16 * (2 ** (times + 1) - 1) + 8 * 2 ** times + 4);
    assert.equal(loading(model), times === 3 ? "nothing thrown" : "LOADING_TOO_LARGE");
  }
  const found = adding((k) => doubled(k, k.op("NonZero", [k.floats([4], ones(4))]), 40));
  assert.equal(loading(found), "LOADING_TOO_LARGE");
});

/** Adds functions to the model, each of one input "a" and one output "c" and of the nodes `OpType input output`. */
function withFunctions(model: Model, functions: Readonly<Record<string, readonly string[]>>): Model {
  model.opsets.set("f", 1);
  for (const [name, nodes] of Object.entries(functions)) {
    const node = nodes.map((text) => {
      const [operator = "", from = "", to = ""] = text.split(" ");
      const [opType = "", domain = ""] = operator.split(".").toReversed();
      return create(NodeProtoSchema, { opType, domain, input: [from], output: [to] });
    });
    model.functions.push(
      create(FunctionProtoSchema, { name, domain: "f", input: ["a"], output: ["c"], node }),
    );
  }
  return model;
}

test("a function is counted as often as it is called, and calls of calls have a limit", () => {
  const calling = (functions: Readonly<Record<string, readonly string[]>>, size: number) =>
    withFunctions(
      adding((k) => k.op("F", [k.integers([2], [size, size])], {}, "f")),
      functions,
    );
  const made = { F: ["f.G a t", "ConstantOfShape t c"], G: ["Identity a c"] };
  assert.equal(estimateFolding(calling(made, 10)).bytes, 16 + 400 + 400 + 4);
  assert.equal(loading(calling(made, 10)), "nothing thrown");
  assert.equal(loading(calling(made, side)), "LOADING_TOO_LARGE");
  const laughs = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [
      i === 29 ? "F" : `F${i}`,
      i === 0 ? ["Identity a c"] : [`f.F${i - 1} a t`, `f.F${i - 1} t c`],
    ]),
  );
  assert.equal(loading(calling(laughs, 10)), "LOADING_TOO_LARGE");
});

test("a branch is counted as what stands in the place of its If, and inputs that do not go together hide nothing", () => {
  const branching = adding((k) => {
    const model = modelOf({});
    const body = new Graph("branch", model.graph);
    const shape = body.addConstant("shape", Tensor.int64([2], [side, side]));
    body.outputs.push(body.append({ opType: "ConstantOfShape", inputs: [shape] }).output);
    return k.op("If", [k.op("Cast", [k.integers([], [1])], { to: attribute.int(9) })], {
      then_branch: attribute.graph(body),
    });
  });
  assert.equal(estimateFolding(branching).bytes >= wide, true);
  const conflicting = adding((k) => {
    k.op("Add", [k.floats([2], [1, 2]), k.floats([3], [1, 2, 3])]);
    return k.op("ConstantOfShape", [k.integers([2], [side, side])]);
  });
  assert.equal(loading(conflicting), "LOADING_TOO_LARGE");
});

test("what depends on the input, is drawn, or comes to no more than a multiple of what the model holds, is let pass", () => {
  const later = adding((k) => k.op("Expand", [k.x, k.integers([2], [side * side, 4])]));
  const drawn = adding((k) => k.op("RandomNormal", [], { shape: attribute.ints([side, side]) }));
  const limit = foldingLimit + foldingGrowth * 16;
  const made = (elements: number) => adding((k) => k.op("ConstantOfShape", [k.integers([2], [elements, 1])]));
  for (const model of [later, drawn]) {
    assert.equal(estimateFolding(model).bytes, 0);
    assert.equal(loading(model), "nothing thrown");
  }
  // Twice four bytes for each element, and the sum.
  assert.equal(loading(made((limit - 8) / 8)), "nothing thrown");
  assert.equal(loading(made(limit / 8)), "LOADING_TOO_LARGE");
});

test("a tensor with a size that is none is refused by name", () => {
  const cases: [RegExp, Model][] = [
    [
      /Expand "k_Expand" .* \[-5\]/,
      adding((k) => k.op("Expand", [k.floats([1], [1]), k.integers([1], [-5])])),
    ],
    [/\[-2\]/, adding((k) => k.op("ConstantOfShape", [k.integers([1], [-2])]))],
    [/\[-1\]/, adding((k) => k.op("Tile", [k.floats([1], [1]), k.integers([1], [-1])]))],
    [
      /Infinity/,
      adding(
        (k) => k.op("MaxPool", [k.x], { kernel_shape: attribute.ints([1]), strides: attribute.ints([0]) }),
        [1, 1, 4],
      ),
    ],
  ];
  for (const [message, model] of cases) {
    assert.throws(() => assertLoadable(model), { code: "MODEL_INVALID", message });
  }
});

test("good models are let pass", async () => {
  for (const path of [...realModels(), fixture("types.onnx"), fixture("control.onnx"), fixture("block.onnx")])
    assertLoadable(await readModelFile(path));
});
