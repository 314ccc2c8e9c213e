import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Attribute,
  attribute,
  bytesOf,
  checkModel,
  encodeModelBytes,
  foldConstants,
  Graph,
  readModel,
  Tensor,
  type Value,
} from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";
import { runPass } from "./support/run-pass.ts";

/** A model of one int64 expression over constants; the value the expression folds to. */
function folded(build: (graph: Graph) => Value): Tensor | null {
  const model = modelOf({ x: ["N", 3, 4] });
  const result = build(model.graph);
  const { name } = result;
  model.graph.outputs.push(model.graph.append({ opType: "Identity", inputs: [result] }).output);
  foldConstants.run(model);
  checkModel(model);
  return valueNamed(model, name).constant;
}

const int64 = (graph: Graph, values: readonly bigint[]) =>
  graph.addConstant("i", Tensor.fromBytes("int64", [values.length], bytesOf(BigInt64Array.from(values))));

test("integer arithmetic is exact in 64 bits and divides towards zero, as the engine does", () => {
  const binary = (opType: string, a: bigint, b: bigint) =>
    folded(
      (graph) => graph.append({ opType, inputs: [int64(graph, [a]), int64(graph, [b])] }).output,
    )?.toBigInts()[0];
  const large = 2n ** 53n + 1n;
  assert.equal(binary("Add", large, 2n), 2n ** 53n + 3n);
  assert.equal(binary("Mul", large, 3n), large * 3n);
  assert.equal(binary("Add", 2n ** 63n - 1n, 1n), -(2n ** 63n));
  assert.equal(binary("Div", -7n, 2n), -3n);
  assert.equal(binary("Div", 7n, -2n), -3n);
  assert.equal(binary("Mod", -7n, 3n), 2n);
  assert.equal(binary("Mod", 7n, -3n), -2n);
  assert.equal(binary("Div", 7n, 0n), undefined);
});

test("a product without axes is of everything, or of nothing where the node says so", () => {
  const product = (attributes: Readonly<Record<string, Attribute>>, axes: readonly bigint[] | null) =>
    folded((graph) => {
      const inputs = [int64(graph, [2n, 3n, 4n]), ...(axes ? [int64(graph, axes)] : [])];
      return graph.append({ opType: "ReduceProd", inputs, attributes }).output;
    });
  const noop = { noop_with_empty_axes: attribute.int(1) };
  assert.deepEqual(product({}, null)?.toNumbers(), [24]);
  assert.deepEqual(product({}, [])?.toNumbers(), [24]);
  assert.deepEqual(product({}, [-1n])?.toNumbers(), [24]);
  assert.deepEqual(product(noop, null)?.toNumbers(), [2, 3, 4]);
  assert.deepEqual(product(noop, [])?.toNumbers(), [2, 3, 4]);
  assert.deepEqual(product(noop, [0n])?.toNumbers(), [24]);
});

test("floats are rounded to their type after each step", () => {
  const sum = folded((graph) => {
    const third = graph.addConstant("f", Tensor.float32([1], [0.1]));
    return graph.append({ opType: "Add", inputs: [third, third] }).output;
  });
  assert.equal(sum?.toNumbers()[0], Math.fround(Math.fround(0.1) + Math.fround(0.1)));
});

test("static parts of a symbolic shape are computed, symbolic ones are not", () => {
  const at = (axis: bigint) =>
    folded((graph) => {
      const sizes = graph.append({ opType: "Shape", inputs: [graph.value("x")!] }).output;
      return graph.append({ opType: "Gather", inputs: [sizes, int64(graph, [axis])] }).output;
    });
  assert.deepEqual(at(2n)?.toNumbers(), [4]);
  assert.equal(at(0n), null);
});

test("Constant nodes of every form become initialisers under the same name, of any size", () => {
  const large = Tensor.float32([200_000], new Float32Array(200_000));
  const forms = {
    value: attribute.tensor(large),
    value_int: attribute.int(3),
    value_ints: attribute.ints([1, 2]),
    value_float: attribute.float(0.5),
    value_floats: attribute.floats([1, 2]),
    value_string: attribute.string("é"),
  };
  for (const [name, held] of Object.entries(forms)) {
    const tensor = folded(
      (graph) =>
        graph.append({ opType: "Constant", inputs: [], outputs: ["c"], attributes: { [name]: held } }).output,
    );
    assert.ok(tensor, name);
    if (name === "value") assert.equal(tensor, large);
  }
  const wide = folded(
    (graph) =>
      graph.append({ opType: "Constant", inputs: [], attributes: { value_ints: attribute.ints([1, 2]) } })
        .output,
  );
  assert.deepEqual(wide?.toBigInts(), [1n, 2n]);
});

test("an Identity of a constant gives way to it, however large and of whatever type", () => {
  const large = Tensor.float32([200_000], new Float32Array(200_000));
  const packed = Tensor.fromBytes("int4", [2, 3], Uint8Array.of(0x21, 0x43, 0x65));
  for (const held of [large, packed]) {
    const model = modelOf({ x: [1] });
    const { graph } = model;
    const same = graph.append({ opType: "Identity", inputs: [graph.addConstant("c", held)] });
    const reader = graph.append({ opType: "Read", domain: "test", inputs: [graph.value("x")!, same.output] });
    graph.outputs.push(reader.output);
    foldConstants.run(model);
    // Not assert.equal: it would take minutes to print where 200,000 elements differ.
    assert.ok(reader.input(1)?.constant === held, `the Identity of ${held.size} ${held.type} is still there`);
    assert.equal(graph.nodes.length, 1);
  }
});

test("folding never makes the file much larger, nor unpacks weights stored in 4 bits", () => {
  const expanded = folded(
    (graph) => graph.append({ opType: "ConstantOfShape", inputs: [int64(graph, [300n, 300n])] }).output,
  );
  assert.equal(expanded, null);
  const unpacked = folded((graph) => {
    const packed = graph.addConstant("q", Tensor.fromBytes("int4", [2, 3], Uint8Array.of(0x21, 0x43, 0x65)));
    const wide = graph.append({
      opType: "Cast",
      inputs: [packed],
      attributes: { to: attribute.int(3) },
    }).output;
    return graph.append({ opType: "Transpose", inputs: [wide] }).output;
  });
  assert.equal(unpacked, null);
  const moved = folded((graph) => {
    const weight = graph.addConstant("w", Tensor.float32([2, 3], [1, 2, 3, 4, 5, 6]));
    return graph.append({ opType: "Transpose", inputs: [weight] }).output;
  });
  assert.deepEqual(moved?.toNumbers(), [1, 4, 2, 5, 3, 6]);
});

test("a default that callers may replace is not constant", () => {
  const model = modelOf({ x: [2] });
  const { graph } = model;
  const replaceable = graph.addConstant("r", Tensor.float32([2], [1, 2]));
  graph.inputs.push(replaceable);
  const sum = graph.append({ opType: "Add", inputs: [replaceable, replaceable] });
  const same = graph.append({ opType: "Identity", inputs: [replaceable] });
  graph.outputs.push(
    graph.append({ opType: "Sum", inputs: [valueNamed(model, "x"), sum.output, same.output] }).output,
  );
  assert.equal(runPass(foldConstants, model), false);
});

test("outputs of the model are not made constants", () => {
  const model = modelOf({ x: [2] });
  model.graph.outputs.push(model.graph.append({ opType: "Shape", inputs: [valueNamed(model, "x")] }).output);
  assert.equal(runPass(foldConstants, model), false);
});

test("both branches of an If may have a Constant of one name", () => {
  const model = modelOf({ c: ["bool", []] });
  const branch = (name: string) => {
    const body = new Graph(name, model.graph);
    const made = body.append({
      opType: "Constant",
      inputs: [],
      outputs: ["same"],
      attributes: { value_int: attribute.int(1) },
    });
    body.outputs.push(
      body.append({ opType: "Identity", inputs: [made.output], outputs: [`${name}_out`] }).output,
    );
    return attribute.graph(body);
  };
  const attributes = { then_branch: branch("yes"), else_branch: branch("no") };
  model.graph.outputs.push(
    model.graph.append({ opType: "If", inputs: [valueNamed(model, "c")], attributes }).output,
  );
  const copy = readModel(encodeModelBytes(model));
  foldConstants.run(copy);
  checkModel(copy);
  assert.equal([...copy.graph.allNodes()].filter((node) => node.opType === "Constant").length, 0);
});
