import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModel, Emitter, inferShapes, Tensor } from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";

/** x -> Relu "r" -> Neg "n", which is the output. */
function chain() {
  const model = modelOf({ x: ["N", 2] });
  const { graph } = model;
  const relu = graph.append({
    opType: "Relu",
    inputs: [valueNamed(model, "x")],
    outputs: ["r"],
    name: "relu",
  });
  const neg = graph.append({ opType: "Neg", inputs: [relu.output], outputs: ["n"], name: "neg" });
  graph.outputs.push(neg.output);
  inferShapes(model);
  const written = () => Array.from(graph.nodes, ({ opType, name, output }) => [opType, name, output.name]);
  return { model, graph, relu, neg, written };
}

test("nodes at the end are named like their outputs, below the scope, and have types", () => {
  const { model, neg, written } = chain();
  const emit = new Emitter(model);
  emit.scope = "layer/";
  const sum = emit.add(neg.output, 1);
  emit.add(sum, 1);
  assert.deepEqual(written().slice(2), [
    ["Add", "layer/Add", "layer/Add"],
    ["Add", "layer/Add_1", "layer/Add_1"],
  ]);
  assert.deepEqual(sum.shape, ["N", 2]);
  assert.equal(
    codeOf(() => emit.dims(sum)),
    "SHAPE_NOT_STATIC",
  );
});

test("nodes before and behind others have no names, and outputs called as asked", () => {
  const { model, graph, neg, relu, written } = chain();
  const emit = new Emitter(model, { typed: false });
  const before = emit.before(neg, "b");
  neg.setInput(0, before.mul(before.add(relu.output, 1), 1));
  const behind = emit.behind(relu, "a");
  behind.op("Abs", [behind.op("Exp", [relu.output])]);
  emit.behind(null, "first").node("Sqrt", [valueNamed(model, "x")], {}, ["exactly"]);
  const two = emit.behind(relu, "two").node("TopK", [relu.output, emit.integers([1])], {}, 2);
  assert.deepEqual(
    two.map(({ name }) => name),
    ["two", "two.1"],
  );
  assert.deepEqual(written(), [
    ["Sqrt", "", "exactly"],
    ["Relu", "relu", "r"],
    ["TopK", "", "two"],
    ["Exp", "", "a"],
    ["Abs", "", "a_1"],
    ["Add", "", "b"],
    ["Mul", "", "b_1"],
    ["Neg", "neg", "n"],
  ]);
  checkModel(model);
  assert.equal(graph.initializers.size, 2, "emitters of one graph share its constants");
});

test("what is shared is made once for a key, by whoever asks first", () => {
  const { model, neg } = chain();
  const emit = new Emitter(model);
  let made = 0;
  const make = () => {
    made++;
    return Tensor.float32([2], [1, 2]);
  };
  const [first, second] = [emit.shared("levels", make), emit.before(neg, "b").shared("levels", make)];
  assert.equal(first, second);
  assert.equal(first.name, "levels");
  assert.equal(made, 1);
});
