/** What an upgrade refuses and leaves alone; that models compute the same is tested where they can be run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, FunctionProtoSchema } from "../src/gen/onnx_pb.ts";
import {
  type Attribute,
  attribute,
  encodeModelBytes,
  type Model,
  Tensor,
  upgradeOpset,
} from "../src/index.ts";
import { modelOf } from "./support/build.ts";
import { runPass } from "./support/run-pass.ts";

interface Node {
  readonly opset: number;
  readonly opType: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly constants?: readonly Tensor[];
  readonly outputs?: number;
}

function withNode({ opset, opType, attributes = {}, constants = [], outputs = 1 }: Node, domain = ""): Model {
  const model = modelOf({ x: [2, 3, 4, 4] }, opset);
  const { graph } = model;
  const inputs = [graph.value("x")!, ...constants.map((tensor) => graph.addConstant("constant", tensor))];
  graph.outputs.push(...graph.append({ opType, domain, inputs, attributes, outputs }).outputs);
  return model;
}

const statistics = Array.from({ length: 4 }, () => Tensor.float32([3], [1, 1, 1]));

const refused: Readonly<Record<string, Node>> = {
  "an operator set before 7": { opset: 6, opType: "Relu" },
  "a mask that is read": { opset: 9, opType: "Dropout", outputs: 2 },
  "statistics of each pixel": {
    opset: 8,
    opType: "BatchNormalization",
    attributes: { spatial: attribute.int(0) },
    constants: statistics,
  },
  "statistics of the batch": { opset: 13, opType: "BatchNormalization", constants: statistics, outputs: 5 },
  "the nearest pixel of a smaller image": {
    opset: 10,
    opType: "Resize",
    constants: [Tensor.float32([4], [1, 1, 0.5, 0.5])],
  },
  "a coordinate formula that is gone": {
    opset: 12,
    opType: "Resize",
    attributes: { coordinate_transformation_mode: attribute.string("tf_half_pixel_for_nn") },
    constants: [Tensor.float32([0], []), Tensor.float32([4], [1, 1, 2, 2])],
  },
};

for (const [what, node] of Object.entries(refused)) {
  test(`${what} is refused, and the model stays as it was`, () => {
    const model = withNode(node);
    const before = encodeModelBytes(model);
    assert.throws(() => upgradeOpset().run(model), { code: "OPSET_UNSUPPORTED" });
    assert.deepEqual(encodeModelBytes(model), before);
  });
}

test("a version beyond 18 is refused", () => {
  const model = withNode({ opset: 13, opType: "Relu" });
  assert.throws(() => upgradeOpset(19).run(model), { code: "OPSET_UNSUPPORTED", message: /18, not 19/ });
});

test("a model of operator set 18 or a newer one stays as it is", () => {
  assert.equal(runPass(upgradeOpset(), withNode({ opset: 18, opType: "Relu" })), false);
  assert.equal(runPass(upgradeOpset(), withNode({ opset: 21, opType: "Relu" })), false);
  assert.equal(runPass(upgradeOpset(), withNode({ opset: 17, opType: "Relu" })), true);
});

test("only changes up to the version asked for are made", () => {
  const model = withNode({ opset: 12, opType: "ReduceMax", attributes: { axes: attribute.ints([1]) } });
  upgradeOpset(17).run(model);
  assert.equal(model.opset, 17);
  const node = [...model.graph.nodes][0]!;
  assert.deepEqual(node.ints("axes"), [1]);
  upgradeOpset().run(model);
  assert.equal(node.ints("axes"), null);
  assert.deepEqual(node.input(1)?.constant?.toNumbers(), [1]);
});

test("an operator of another domain keeps its form, whatever its name", () => {
  const attributes = { axes: attribute.ints([1]) };
  const model = withNode({ opset: 12, opType: "ReduceMax", attributes }, "com.example");
  model.opsets.set("com.example", 1);
  upgradeOpset().run(model);
  const node = [...model.graph.nodes][0]!;
  assert.deepEqual(node.ints("axes"), [1]);
  assert.equal(node.inputs.length, 1);
  assert.equal(model.opsets.get("com.example"), 1);
});

test("the greatest end of a slice keeps its 64 bits", () => {
  const greatest = 2n ** 63n - 1n;
  const proto = create(AttributeProtoSchema, { name: "ends", ints: [greatest] });
  const ends: Attribute = { kind: "ints", value: [Number(greatest)], proto };
  const attributes = { starts: attribute.ints([1]), ends };
  const model = withNode({ opset: 9, opType: "Slice", attributes });
  upgradeOpset().run(model);
  assert.deepEqual([...model.graph.nodes][0]!.input(2)?.constant?.toBigInts(), [greatest]);
});

test("an operator that its set does not have yet is refused where what it needs is missing", () => {
  const model = withNode({ opset: 7, opType: "Resize" });
  assert.throws(() => upgradeOpset().run(model), { code: "OPSET_UNSUPPORTED", message: /it has no scales/ });
});

/** The name of a value a caller asks for outlives the node that made it. */
test("outputs keep their names when another operator makes them", () => {
  const scales = [Tensor.float32([4], [1, 1, 2, 2])];
  const model = withNode({ opset: 9, opType: "Upsample", constants: scales });
  const [output] = model.graph.outputs;
  const { name } = output!;
  upgradeOpset().run(model);
  assert.equal(model.graph.outputs[0]!.name, name);
  assert.equal(model.graph.outputs[0]!.producer?.opType, "Resize");
});

test("a function is carried when none of its operators changed, and refused by name when one did", () => {
  const withFunction = (opType: string): Model => {
    const model = withNode({ opset: 12, opType: "Relu" });
    model.functions.push(
      create(FunctionProtoSchema, {
        name: "block",
        domain: "com.example",
        opsetImport: [{ domain: "", version: 12n }],
        node: [{ opType, input: ["a"], output: ["b"] }],
      }),
    );
    return model;
  };
  const carried = withFunction("Relu");
  const [held] = carried.functions;
  upgradeOpset().run(carried);
  assert.equal(carried.functions[0]!.opsetImport[0]!.version, 18n);
  assert.equal(held!.opsetImport[0]!.version, 12n, "a function that a clone shares is not written into");
  assert.throws(() => upgradeOpset().run(withFunction("Softmax")), {
    code: "OPSET_UNSUPPORTED",
    message: /"block".*Softmax/,
  });
});
