import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  checkModel,
  Graph,
  type Model,
  readModelFile,
  removeDeadCode,
  subgraphsOf,
  Tensor,
} from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";
import { fixture } from "./support/files.ts";
import { runPass } from "./support/run-pass.ts";

const names = (model: Model) => Array.from(model.graph.nodes, (node) => node.opType);

test("nodes and constants nothing needs go, whole chains of them", () => {
  const model = modelOf({ x: ["N", 3], unused: [1] });
  const { graph } = model;
  const weight = graph.addConstant("w", Tensor.float32([3], [1, 2, 3]));
  const shared = graph.addConstant("s", Tensor.float32([3], [1, 2, 3]));
  const dead = graph.append({ opType: "Mul", inputs: [valueNamed(model, "x"), weight] });
  graph.append({ opType: "Add", inputs: [dead.output, shared] });
  graph.outputs.push(graph.append({ opType: "Sub", inputs: [valueNamed(model, "x"), shared] }).output);
  assert.equal(runPass(removeDeadCode, model), true);
  assert.deepEqual(names(model), ["Sub"]);
  assert.deepEqual(
    Array.from(graph.initializers, (value) => value.name),
    ["s"],
  );
  assert.deepEqual(
    graph.inputs.map((value) => value.name),
    ["x", "unused"],
  );
  assert.equal(runPass(removeDeadCode, model), false);
});

test("nodes that may act on the world stay, also inside bodies", () => {
  const model = modelOf({ c: ["bool", []], x: [1] });
  const { graph } = model;
  const branch = (opType: string, domain: string) => {
    const body = new Graph(opType, graph);
    body.outputs.push(body.append({ opType, domain, inputs: [valueNamed(model, "x")] }).output);
    return { then_branch: attribute.graph(body), else_branch: attribute.graph(body) };
  };
  graph.append({ opType: "Print", domain: "com.example", inputs: [valueNamed(model, "x")] });
  graph.append({ opType: "If", inputs: [valueNamed(model, "c")], attributes: branch("Log", "com.example") });
  graph.append({ opType: "If", inputs: [valueNamed(model, "c")], attributes: branch("Relu", "") });
  graph.append({ opType: "FusedConv", domain: "com.microsoft", inputs: [valueNamed(model, "x")] });
  graph.outputs.push(graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")] }).output);
  removeDeadCode.run(model);
  assert.deepEqual(names(model), ["Print", "If", "Relu"]);
});

test("dead code inside bodies goes, and what only it used outside", async () => {
  const model = await readModelFile(fixture("control.onnx"));
  const branch = [...model.graph.nodes].find((node) => node.opType === "If")!;
  const body = subgraphsOf(branch)[0]!;
  const outer = model.graph.addConstant("outer", Tensor.float32([1], [1]));
  body.append({ opType: "Mul", inputs: [outer, outer] });
  assert.equal(runPass(removeDeadCode, model), true);
  assert.equal(body.nodes.length, 1);
  assert.equal(model.graph.value("outer"), undefined);
  checkModel(model);
});
