import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { CupelError } from "@cupel/base";
import { ModelProtoSchema } from "../src/gen/onnx_pb.ts";
import {
  attribute,
  encodeModelBytes,
  inferShapes,
  type Model,
  type NewNode,
  readModel,
  type Shape,
  Tensor,
  tensorType,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";

/** The shape one node gives. Inputs `x`, `y`, ... by name; lists are int64 constants. */
function shapeFrom(
  model: Model,
  opType: string,
  inputs: readonly (string | readonly number[] | null)[],
  attributes: NewNode["attributes"] = {},
): Shape {
  const { graph } = model;
  const values = inputs.map((input) => {
    if (input === null) return null;
    return typeof input === "string"
      ? valueNamed(model, input)
      : graph.addConstant("list", Tensor.int64([input.length], input));
  });
  const node = graph.append({ opType, inputs: values, attributes });
  inferShapes(model);
  return node.output.shape;
}

test("a size of -1 and one named ? are unknown, each for itself, and stay in the file as they were", () => {
  const shape = { dim: [-1n, 3n, "?", "?", "N"].map((size) => ({ value: dimensionOf(size) })) };
  const type = { value: { case: "tensorType" as const, value: { elemType: 1, shape } } };
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 13n }],
      graph: {
        name: "g",
        node: [{ opType: "Transpose", input: ["x"], output: ["y"] }],
        input: [{ name: "x", type }],
        output: [{ name: "y" }],
      },
    }),
  );
  const model = readModel(bytes);
  assert.deepEqual(valueNamed(model, "x").shape, [null, 3, null, null, "N"]);
  assert.ok(Buffer.from(encodeModelBytes(model)).equals(bytes));
  inferShapes(model);
  assert.deepEqual(valueNamed(model, "y").shape, ["N", null, null, 3, null]);
  const again = readModel(encodeModelBytes(model)).graph.inputs[0]!.proto!.type!.value;
  assert.deepEqual(again.case === "tensorType" && again.value.shape?.dim.map(({ value }) => value.value), [
    -1n,
    3n,
    "?",
    "?",
    "N",
  ]);
  inferShapes(model, { inputShapes: { x: [2, 3, 4, 5, 6] } });
  assert.deepEqual(valueNamed(model, "y").shape, [6, 5, 4, 3, 2]);
});

const dimensionOf = (size: bigint | string) =>
  typeof size === "string"
    ? { case: "dimParam" as const, value: size }
    : { case: "dimValue" as const, value: size };

test("broadcasting follows numpy; a symbol meets 1 and itself unharmed", () => {
  const cases: [Shape, Shape, Shape][] = [
    [["N", 3, 1], [4], ["N", 3, 4]],
    [
      ["N", 3],
      ["N", 1],
      ["N", 3],
    ],
    [["N"], ["M"], [null]],
    [["N"], [5], [5]],
    [
      [null, 2],
      [1, 1],
      [null, 2],
    ],
    [[], [2, 0], [2, 0]],
    [null, [3], null],
  ];
  for (const [a, b, sum] of cases)
    assert.deepEqual(shapeFrom(modelOf({ x: a, y: b }), "Add", ["x", "y"]), sum);
});

test("Reshape finds the batch when the rest cancels, and no more than can be proved", () => {
  const data = ["N", 8, 4, 4];
  assert.deepEqual(shapeFrom(modelOf({ x: data }), "Reshape", ["x", [-1, 128]]), ["N", 128]);
  assert.deepEqual(shapeFrom(modelOf({ x: data }), "Reshape", ["x", [0, -1]]), ["N", 128]);
  assert.deepEqual(shapeFrom(modelOf({ x: data }), "Reshape", ["x", [0, 0, -1]]), ["N", 8, 16]);
  assert.deepEqual(shapeFrom(modelOf({ x: data }), "Reshape", ["x", [-1, 64]]), [null, 64]);
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", "M"] }), "Reshape", ["x", [-1]]), [null]);
  assert.deepEqual(shapeFrom(modelOf({ x: [null, 6] }), "Reshape", ["x", [0, 2, -1]]), [null, 2, 3]);
  assert.deepEqual(
    shapeFrom(modelOf({ x: [0, 3] }), "Reshape", ["x", [3, 0]], { allowzero: attribute.int(1) }),
    [3, 0],
  );
  assert.deepEqual(shapeFrom(modelOf({ x: data, t: ["int64", [3]] }), "Reshape", ["x", "t"]), [
    null,
    null,
    null,
  ]);
});

test("a target is followed through Shape, Gather, Unsqueeze, Mul, Concat", () => {
  const model = modelOf({ x: ["N", 8, 4, 6] }, 11);
  const { graph } = model;
  const x = valueNamed(model, "x");
  const one = (value: number) => graph.addConstant("i", Tensor.int64([], [value]));
  const sizes = graph.append({ opType: "Shape", inputs: [x] }).output;
  const size = (axis: number) => graph.append({ opType: "Gather", inputs: [sizes, one(axis)] }).output;
  const area = graph.append({ opType: "Mul", inputs: [size(2), size(3)] }).output;
  const list = [size(0), size(1), area].map(
    (value) =>
      graph.append({ opType: "Unsqueeze", inputs: [value], attributes: { axes: attribute.ints([0]) } })
        .output,
  );
  const target = graph.append({
    opType: "Concat",
    inputs: list,
    attributes: { axis: attribute.int(0) },
  }).output;
  const reshaped = graph.append({ opType: "Reshape", inputs: [x, target] }).output;
  assert.deepEqual(inferShapes(model).unknown, []);
  assert.deepEqual(reshaped.shape, ["N", 8, 24]);
});

test("one entry of a target that is not known is found from the count of elements", () => {
  const model = modelOf({ x: ["N", 8, 4], n: ["int64", [1]] });
  const { graph } = model;
  const tail = graph.addConstant("tail", Tensor.int64([1], [32]));
  const target = graph.append({
    opType: "Concat",
    inputs: [valueNamed(model, "n"), tail],
    attributes: { axis: attribute.int(0) },
  });
  const node = graph.append({ opType: "Reshape", inputs: [valueNamed(model, "x"), target.output] });
  inferShapes(model);
  assert.deepEqual(node.output.shape, ["N", 32]);
});

test("attributes of older operator sets and inputs of newer ones mean the same", () => {
  const data: Shape = ["N", 3, 8, 8];
  const both = (
    opType: string,
    old: number,
    before: NewNode["attributes"],
    now: readonly (string | number[] | null)[],
    wanted: Shape,
  ) => {
    assert.deepEqual(shapeFrom(modelOf({ x: data }, old), opType, ["x"], before), wanted, `${opType} ${old}`);
    assert.deepEqual(shapeFrom(modelOf({ x: data }, 18), opType, now), wanted, `${opType} 18`);
  };
  const { ints } = attribute;
  both(
    "Slice",
    9,
    { starts: ints([1]), ends: ints([7]), axes: ints([3]) },
    ["x", [1], [7], [3]],
    ["N", 3, 8, 6],
  );
  both("Slice", 9, { starts: ints([0]), ends: ints([2 ** 31 - 1]) }, ["x", [0], [2 ** 31 - 1], [0]], data);
  both(
    "Pad",
    10,
    { pads: ints([0, 0, 1, 2, 0, 0, 1, 2]) },
    ["x", [0, 0, 1, 2, 0, 0, 1, 2]],
    ["N", 3, 10, 12],
  );
  both("Unsqueeze", 11, { axes: ints([0, -1]) }, ["x", [0, -1]], [1, "N", 3, 8, 8, 1]);
  both("ReduceMean", 13, { axes: ints([2, 3]) }, ["x", [2, 3]], ["N", 3, 1, 1]);
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", 1, 1] }, 11), "Squeeze", ["x"], { axes: ints([1, 2]) }), [
    "N",
  ]);
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", 1, 1] }, 13), "Squeeze", ["x", [-1]]), ["N", 1]);
});

test("convolution and pooling keep a symbolic size where stride and padding do", () => {
  const weight = [4, 3, 3, 3];
  const pads = { pads: attribute.ints([1, 1, 1, 1]) };
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", 3, "H", 32], w: weight }), "Conv", ["x", "w"], pads), [
    "N",
    4,
    "H",
    32,
  ]);
  const strided = { ...pads, strides: attribute.ints([2, 2]) };
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", 3, "H", 32], w: weight }), "Conv", ["x", "w"], strided), [
    "N",
    4,
    null,
    16,
  ]);
  assert.deepEqual(shapeFrom(modelOf({ x: ["N", 3, "H", "W"] }), "GlobalAveragePool", ["x"]), ["N", 3, 1, 1]);
});

test("conflicts name the node, the values and the shapes", () => {
  const model = modelOf({ image: ["N", 3, 8, 8], filters: [4, 5, 3, 3] });
  model.graph.append({
    opType: "Conv",
    name: "stem",
    inputs: [valueNamed(model, "image"), valueNamed(model, "filters")],
  });
  assert.throws(
    () => inferShapes(model),
    (thrown) =>
      thrown instanceof CupelError &&
      thrown.code === "SHAPE_CONFLICT" &&
      ["stem", "image", "filters", "[N, 3, 8, 8]", "[4, 5, 3, 3]"].every((part) =>
        thrown.message.includes(part),
      ),
  );
});

test("inputs that do not go together are refused", () => {
  const cases: [Model, string, (string | number[])[], NewNode["attributes"]?][] = [
    [modelOf({ x: [2, 3], y: [4] }), "Add", ["x", "y"]],
    [modelOf({ x: [2, 3], y: ["int32", [3]] }), "Add", ["x", "y"]],
    [modelOf({ x: [2, 3], y: [4, 5] }), "MatMul", ["x", "y"]],
    [modelOf({ x: [2, 3], y: [4, 5] }), "Gemm", ["x", "y"]],
    [modelOf({ x: [2, 3] }), "Reshape", ["x", [4, 2]]],
    [modelOf({ x: [2, 3] }), "Reshape", ["x", [4, -1]]],
    [modelOf({ x: [2, 3], y: [2, 2, 1] }), "Concat", ["x", "y"], { axis: attribute.int(0) }],
    [modelOf({ x: [2, 3] }), "Squeeze", ["x", [0]]],
    [modelOf({ x: [2, 3] }), "Transpose", ["x"], { perm: attribute.ints([0, 0]) }],
    [modelOf({ x: [2, 3] }), "Softmax", ["x"], {}],
    [modelOf({ x: [1, 3, 4, 4] }), "MaxPool", ["x"], { kernel_shape: attribute.ints([7, 7]) }],
    [modelOf({ x: [1, 3, 4, 4], s: [5] }), "BatchNormalization", ["x", "s", "s", "s", "s"]],
  ];
  const codes = cases.map(([model, opType, inputs, attributes]) =>
    codeOf(() => shapeFrom(model, opType, inputs, attributes)),
  );
  assert.deepEqual(
    codes,
    cases.map(([, opType]) => (opType === "Softmax" ? "nothing thrown" : "SHAPE_CONFLICT")),
  );
});

test("nothing is written when there is a conflict", () => {
  const model = modelOf({ x: [2, 3], y: [4] });
  const fine = model.graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")] });
  model.graph.append({ opType: "Add", inputs: [valueNamed(model, "x"), valueNamed(model, "y")] });
  assert.throws(() => inferShapes(model));
  assert.equal(fine.output.type, null);
});

test("operators the table does not know are reported; what the file says of them stands", () => {
  const model = modelOf({ x: ["N", 3] });
  const { graph } = model;
  const x = valueNamed(model, "x");
  graph.append({ opType: "Mystery", name: "m", domain: "com.example", inputs: [x] });
  const declared = graph.append({
    opType: "Mystery",
    name: "d",
    domain: "com.example",
    inputs: [x],
    type: tensorType("float32", ["N", 7]),
  });
  const after = graph.append({ opType: "Relu", inputs: [declared.output] });
  assert.deepEqual(inferShapes(model).unknown, ['com.example.Mystery "m"']);
  assert.deepEqual(after.output.shape, ["N", 7]);
});

test("a rule outweighs a stale declaration, and a declaration fills what a rule leaves open", () => {
  const model = modelOf({ x: ["N", 3], n: ["int64", [2]] });
  const stale = model.graph.append({
    opType: "Relu",
    inputs: [valueNamed(model, "x")],
    type: tensorType("float32", ["N", 64]),
  });
  const open = model.graph.append({
    opType: "Reshape",
    inputs: [valueNamed(model, "x"), valueNamed(model, "n")],
    type: tensorType("float32", ["M", 9]),
  });
  inferShapes(model);
  assert.deepEqual(stale.output.shape, ["N", 3]);
  assert.deepEqual(open.output.shape, ["M", 9]);
});

test("shapes given to inputs must fit what they declare", () => {
  const give = (shapes: Record<string, number[]>) =>
    codeOf(() => inferShapes(modelOf({ x: ["N", 3], y: ["N"] }), { inputShapes: shapes }));
  assert.equal(give({ x: [1, 3] }), "nothing thrown");
  assert.equal(give({ x: [1, 4] }), "SHAPE_CONFLICT");
  assert.equal(give({ x: [1, 3, 3] }), "SHAPE_CONFLICT");
  assert.equal(give({ z: [1] }), "SHAPE_CONFLICT");
  assert.equal(give({ x: [1, 3], y: [2] }), "SHAPE_CONFLICT");
  const model = modelOf({ x: ["N", 3], y: ["N"] });
  inferShapes(model, { inputShapes: { x: [4, 3] } });
  assert.deepEqual(valueNamed(model, "y").shape, [4]);
});
