/** What a model is made into before its layers are counted: each form computes the same on the engine afterwards. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  attribute,
  cloneModel,
  elementTypes,
  encodeModelBytes,
  type Model,
  readModel,
  Tensor,
  tensorType,
  widenFloats,
  writeFloat16,
} from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import { takeIn } from "../src/intake/take-in.ts";
import { weightedLayers } from "../src/layer.ts";
import { assertCompressible } from "../src/requirements.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { assertSameFunction, feed, operators } from "./support/run.ts";

async function takenIn(model: Model) {
  const { model: taken, notes, correspondence } = await takeIn(model, { threads: 1 });
  return { taken, notes, correspondence, layers: weightedLayers(taken.graph).length };
}

const float16Code = elementTypes.float16.code;

function halved(tensor: Tensor): Tensor {
  return Tensor.fromBytes("float16", tensor.dims, new Uint8Array(writeFloat16(tensor.toFloat32()).buffer));
}

/** The classifier with float16 constants, and whatever stands between them and the layers. */
function inFloat16(form: "whole" | "inside" | "at rest"): Model {
  const model = smallClassifier();
  const { graph } = model;
  const [first] = graph.nodes;
  const cast = (value: ReturnType<typeof graph.newValue>, to: number) =>
    graph.insertBefore(first!, { opType: "Cast", inputs: [value], attributes: { to: attribute.int(to) } });
  for (const constant of [...graph.initializers]) {
    const readers = [...constant.uses];
    graph.setConstant(constant, halved(constant.constant!));
    if (form !== "at rest") continue;
    const made = cast(constant, elementTypes.float32.code).output;
    for (const { node, index } of readers) node.setInput(index, made);
  }
  const [x, y] = [graph.inputs[0]!, graph.outputs[0]!];
  for (const value of graph.values()) if (form !== "at rest" && !value.constant) value.type = null;
  if (form === "at rest") return model;
  if (form === "whole") {
    for (const face of [x, y]) face.type = tensorType("float16", face === x ? ["N", 3, 8, 8] : ["N", 4]);
    return model;
  }
  x.type = tensorType("float32", ["N", 3, 8, 8]);
  y.type = tensorType("float32", ["N", 4]);
  const readers = [...x.uses];
  const made = cast(x, float16Code).output;
  for (const { node, index } of readers) node.setInput(index, made);
  const inner = graph.newValue("inner");
  y.producer!.setOutput(0, inner);
  graph.append({ opType: "Cast", inputs: [inner], outputs: [y], attributes: { to: attribute.int(1) } });
  return model;
}

describe("16-bit floats", () => {
  for (const form of ["inside", "at rest"] as const) {
    test(`${form}: float32 throughout, without a Cast`, async () => {
      const model = inFloat16(form);
      const { taken, notes, layers } = await takenIn(model);
      assert.equal(layers, 4);
      assert.ok(!operators(taken).includes("Cast"), operators(taken).join(" "));
      assert.match(notes.join("; "), /computes in float32 what was float16/);
      const x = feed([2, 3, 8, 8]);
      if (form === "at rest") await assertSameFunction(model, taken, x);
      assert.equal(taken.graph.outputs[0]!.name, "scores");
    });
  }

  test("whole: inputs and outputs stay float16, behind a Cast each", async () => {
    const model = inFloat16("whole");
    const { taken, layers } = await takenIn(model);
    assert.equal(layers, 4);
    assert.deepEqual(operators(taken).filter((name) => name === "Cast").length, 2);
    assertCompressible(taken);
    const { data } = feed([2, 3, 8, 8]);
    const x = { type: "float16" as const, dims: [2, 3, 8, 8], data: writeFloat16(Array.from(data, Number)) };
    const answers: number[][] = [];
    for (const each of [model, taken]) {
      await using session = await openSession(encodeModelBytes(each), { threads: 1 });
      const { scores } = await session.run({ x });
      assert.equal(scores!.type, "float16");
      answers.push(Tensor.fromBytes("float16", [2, 4], new Uint8Array(scores!.data.buffer)).toNumbers());
    }
    for (const [i, value] of answers[0]!.entries()) {
      // The engine rounds to float16 between the nodes of the original.
      assert.ok(Math.abs(value - answers[1]![i]!) < 0.02 * Math.max(1, Math.abs(value)), `${answers}`);
    }
  });

  test("bfloat16 weights have the same numbers in float32", () => {
    const model = smallClassifier();
    const weight = model.graph.value("first.weight")!;
    const bits = Uint16Array.from({ length: weight.constant!.size }, () => 0x3fc0);
    model.graph.setConstant(
      weight,
      Tensor.fromBytes("bfloat16", weight.constant!.dims, new Uint8Array(bits.buffer)),
    );
    assert.ok(widenFloats.run(model).modified);
    assert.equal(weight.constant!.type, "float32");
    assert.ok(weight.constant!.toNumbers().every((value) => value === 1.5));
  });
});

test("a weight standardised by the graph is folded, and the layer counts", async () => {
  const net = new Network(["N", 3, 8, 8], 1, 17);
  const axes = { axes: [1, 2, 3], keepdims: 1 };
  const w = net.constant("w", [8, 3, 3, 3]);
  const centred = net.node("Sub", "centred", [w, net.node("ReduceMean", "mean", [w], axes)]);
  const variance = net.node("ReduceMean", "variance", [net.node("Mul", "square", [centred, centred])], axes);
  const deviation = net.node("Sqrt", "deviation", [
    net.node("Add", "shifted", [variance, net.scalar("eps", 1e-5)]),
  ]);
  const standard = net.node("Div", "standard", [centred, deviation]);
  const model = net.done(net.head(net.node("Conv", "conv", [net.x, standard]), 8));
  assert.equal(weightedLayers(model.graph).length, 1, "only the Gemm counts before");
  const { taken, layers, correspondence } = await takenIn(model);
  assert.equal(layers, 2);
  assert.deepEqual(operators(taken), ["Conv", "GlobalAveragePool", "Flatten", "Gemm"]);
  assert.equal(taken.graph.value("standard")?.constant?.type, "float32", "it keeps its name");
  assert.equal(correspondence.get("conv")?.name, "conv");
  await assertSameFunction(model, taken, feed([2, 3, 8, 8]));
});

test("what is large and no weight is left to the engine", async () => {
  const net = new Network(["N", 3, 64, 64]);
  const mask = net.node("Expand", "mask", [net.scalar("one", 1), net.integers("dims", [1, 3, 64, 64])]);
  const model = net.done(net.head(net.conv("conv", net.node("Mul", "masked", [net.x, mask]), 3, 4), 4));
  const { taken } = await takenIn(model);
  assert.ok(operators(taken).includes("Expand"));
});

test("operator set 11 becomes 13, and the note says so", async () => {
  const { taken, notes, layers } = await takenIn(smallWith(11));
  assert.equal(taken.opset, 13);
  assert.equal(layers, 2);
  assert.match(notes.join("; "), /operator set 11 became 13/);
});

function smallWith(opset: number): Model {
  const net = new Network(["N", 3, 8, 8], 1, opset);
  return net.done(net.head(net.conv("conv", net.x, 3, 4), 4));
}

test("initialisers that are inputs, as version 3 of the format demands, are no inputs of a valid file", async () => {
  const model = smallWith(13);
  model.irVersion = 3;
  for (const constant of model.graph.initializers) model.graph.inputs.push(constant);
  const { taken } = await takenIn(readModel(encodeModelBytes(model)));
  assert.deepEqual(
    taken.graph.inputs.map(({ name }) => name),
    ["x"],
  );
  assert.ok(taken.irVersion >= 4, "before it, every initialiser had to be an input");
});

test("nodes out of order are sorted, and the note says so", async () => {
  const model = smallWith(13);
  const [first] = model.graph.nodes;
  model.graph.nodes.remove(first!);
  model.graph.nodes.append(first!);
  const { taken, notes } = await takenIn(model);
  assert.equal(operators(taken)[0], "Conv");
  assert.match(notes.join("; "), /put nodes after what they read/);
});

describe("in training mode", () => {
  const normalised = (opset: number, outputs: number, attributes: Readonly<Record<string, number>>) => {
    const net = new Network(["N", 3, 8, 8], 1, opset);
    const norm = net.batchNorm("norm", net.conv("conv", net.x, 3, 4), 4).producer!;
    for (const [name, value] of Object.entries(attributes)) norm.attributes.set(name, attribute.int(value));
    for (let i = 1; i < outputs; i++) norm.setOutput(i, net.model.graph.newValue(`extra_${i}`));
    return net.done(net.head(norm.output, 4));
  };
  const cases = [
    ["operator set 13 by its outputs", normalised(13, 5, {}), true],
    ["operator set 17 by its attribute", normalised(17, 3, { training_mode: 1 }), true],
    ["operator set 17 without it", normalised(17, 1, {}), false],
  ] as const;
  for (const [what, model, is] of cases) {
    test(`BatchNormalization of ${what}`, async () => {
      const { taken, notes } = await takenIn(model);
      assert.equal(/"norm" is in training mode/.test(notes.join("; ")), is);
      assert.ok(operators(taken).includes("BatchNormalization"));
    });
  }

  test("Dropout is refused by name", async () => {
    const net = new Network(["N", 3, 8, 8], 1, 13);
    const { graph } = net.model;
    const on = graph.addConstant("on", Tensor.fromBytes("bool", [], Uint8Array.of(1)));
    const dropped = net.node("Dropout", "drop", [
      net.conv("conv", net.x, 3, 4),
      net.scalar("ratio", 0.5),
      on,
    ]);
    const { taken } = await takenIn(net.done(net.head(dropped, 4)));
    assert.throws(() => assertCompressible(taken), { code: "MODEL_IN_TRAINING", message: /Dropout "drop"/ });
  });
});

test("the model given is left as it is", async () => {
  const model = smallWith(11);
  const before = encodeModelBytes(cloneModel(model));
  await takenIn(model);
  assert.deepEqual(encodeModelBytes(model), before);
});
