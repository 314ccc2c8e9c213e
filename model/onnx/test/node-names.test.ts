/** Nodes with the name of another get one of their own, and nothing else changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { separateNodeNames } from "../src/index.ts";
import { modelOf } from "./support/build.ts";

test("later nodes of a name are numbered past names that are taken; nodes without one stay without", () => {
  const model = modelOf({ x: ["N", 3] });
  const { graph } = model;
  let value = graph.inputs[0]!;
  for (const name of ["a", "", "a", "a_1", "", "a", "b"])
    value = graph.append({ opType: "Relu", name, inputs: [value] }).output;
  graph.outputs.push(value);
  const values = Array.from(graph.values(), ({ name }) => name);
  assert.deepEqual(separateNodeNames(graph), ["a"]);
  assert.deepEqual(
    Array.from(graph.nodes, ({ name }) => name),
    ["a", "", "a_2", "a_1", "", "a_3", "b"],
  );
  assert.deepEqual(
    Array.from(graph.values(), ({ name }) => name),
    values,
  );
  assert.deepEqual(separateNodeNames(graph), []);
});

test("ten thousand nodes of one name take no time", () => {
  const model = modelOf({ x: ["N", 3] });
  let value = model.graph.inputs[0]!;
  for (let i = 0; i < 10_000; i++)
    value = model.graph.append({ opType: "Relu", name: "same", inputs: [value] }).output;
  separateNodeNames(model.graph);
  assert.equal(new Set(Array.from(model.graph.nodes, ({ name }) => name)).size, 10_000);
});
