import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, Graph, inferShapes, readModelFile, Tensor, tensorType } from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";
import { fixture } from "./support/files.ts";

test("If is the join of its branches", () => {
  const model = modelOf({ c: ["bool", []], x: ["N", 3] });
  const branch = (name: string, columns: number): Graph => {
    const body = new Graph(name, model.graph);
    const weight = body.addConstant(`${name}_w`, Tensor.float32([3, columns], new Float32Array(3 * columns)));
    body.outputs.push(body.append({ opType: "MatMul", inputs: [valueNamed(model, "x"), weight] }).output);
    return body;
  };
  const attributes = {
    then_branch: attribute.graph(branch("yes", 4)),
    else_branch: attribute.graph(branch("no", 5)),
  };
  const node = model.graph.append({ opType: "If", inputs: [valueNamed(model, "c")], attributes });
  inferShapes(model);
  assert.deepEqual(node.output.type, tensorType("float32", ["N", null]));
});

test("a branch that cannot run says nothing, and the one that will be taken decides", () => {
  // How PyTorch exports squeeze(1): if the size is 1, Squeeze, else the data as it is.
  for (const [size, wanted] of [
    [1, ["N", 4]],
    [3, ["N", 3, 4]],
  ] as const) {
    const model = modelOf({ x: ["N", size, 4] });
    const { graph } = model;
    const x = valueNamed(model, "x");
    const one = graph.addConstant("one", Tensor.int64([1], [1]));
    const sizes = graph.append({ opType: "Shape", inputs: [x] }).output;
    const found = graph.append({ opType: "Gather", inputs: [sizes, one] }).output;
    const condition = graph.append({ opType: "Equal", inputs: [found, one] }).output;
    const yes = new Graph("yes", graph);
    yes.outputs.push(yes.append({ opType: "Squeeze", inputs: [x, one] }).output);
    const no = new Graph("no", graph);
    no.outputs.push(no.append({ opType: "Identity", inputs: [x] }).output);
    const attributes = { then_branch: attribute.graph(yes), else_branch: attribute.graph(no) };
    const node = graph.append({ opType: "If", inputs: [condition], attributes });
    inferShapes(model);
    assert.deepEqual(node.output.shape, wanted);
  }
});

test("Loop is as declared, and shapes inside its body follow from the body's inputs", async () => {
  const model = await readModelFile(fixture("control.onnx"));
  const { unknown } = inferShapes(model);
  // The loop declares nothing; what depends on it through a local function is open too.
  assert.deepEqual(unknown, ['Loop "loop"', 'local.Twice "doubled"']);
  assert.deepEqual(valueNamed(model, "chosen").shape, ["N", 3]);
  assert.deepEqual(valueNamed(model, "y").shape, ["N", 3]);
});
