import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  checkModel,
  encodeModelBytes,
  Graph,
  type Model,
  readModel,
  sortTopologically,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";

const names = (model: Model) => Array.from(model.graph.nodes, (node) => node.opType);

/** Nodes in the order given, by the values they read; `made` names the outputs. */
function ordered(order: readonly (readonly [made: string, reads: readonly string[]])[]): Model {
  const model = modelOf({ x: [1] });
  const { graph } = model;
  for (const [made] of order) graph.newValue(made);
  for (const [made, reads] of order) {
    graph.append({
      opType: "Sum",
      name: made,
      inputs: reads.map((name) => valueNamed(model, name)),
      outputs: [valueNamed(model, made)],
    });
  }
  graph.outputs.push(valueNamed(model, order[0]![0]));
  return model;
}

test("sorting moves only what stands wrong", () => {
  const right = ordered([
    ["a", ["x"]],
    ["b", ["x"]],
    ["c", ["a", "b"]],
  ]);
  assert.equal(sortTopologically(right.graph), false);
  const wrong = ordered([
    ["c", ["a", "b"]],
    ["d", ["x"]],
    ["b", ["x"]],
    ["a", ["x"]],
  ]);
  assert.equal(
    codeOf(() => checkModel(wrong)),
    "MODEL_INVALID",
  );
  assert.equal(sortTopologically(wrong.graph), true);
  assert.deepEqual(
    Array.from(wrong.graph.nodes, (node) => node.name),
    ["a", "b", "c", "d"],
  );
  checkModel(wrong);
});

test("a graph read out of order, a body reading ahead included, is sorted right", () => {
  const model = modelOf({ c: ["bool", []], x: [1] });
  const { graph } = model;
  const late = graph.newValue("late");
  const body = new Graph("body", graph);
  body.outputs.push(body.append({ opType: "Relu", inputs: [late] }).output);
  const attributes = { then_branch: attribute.graph(body), else_branch: attribute.graph(body) };
  graph.outputs.push(graph.append({ opType: "If", inputs: [valueNamed(model, "c")], attributes }).output);
  graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")], outputs: [late] });
  const again = readModel(encodeModelBytes(model));
  assert.equal(
    codeOf(() => checkModel(again)),
    "MODEL_INVALID",
  );
  sortTopologically(again.graph);
  assert.deepEqual(names(again), ["Relu", "If"]);
});

test("a cycle is told with the nodes on it", () => {
  const model = ordered([
    ["a", ["x", "c"]],
    ["b", ["a"]],
    ["c", ["b"]],
  ]);
  const message = /cycle: Sum "(\w)" -> Sum "(\w)" -> Sum "(\w)" -> Sum "\1"/;
  assert.throws(() => sortTopologically(model.graph), { code: "MODEL_INVALID", message });
  assert.throws(() => checkModel(model), { code: "MODEL_INVALID", message });
});

test("a chain of 20 000 nodes in reverse is sorted", () => {
  const count = 20_000;
  const model = ordered(
    Array.from({ length: count }, (_, i) => [`n${i}`, [i === count - 1 ? "x" : `n${i + 1}`]] as const),
  );
  sortTopologically(model.graph);
  assert.equal([...model.graph.nodes][0]!.name, `n${count - 1}`);
});
