import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  checkModel,
  Graph,
  type Model,
  Node,
  readModelFile,
  Tensor,
  Value,
} from "../src/index.ts";
import { modelOf } from "./support/build.ts";
import { fixture, realModels } from "./support/files.ts";

test("the checker names what is wrong", () => {
  const cases: [RegExp, (model: Model, node: Node) => void][] = [
    [/which operator set/, (model) => model.opsets.clear()],
    [
      /no outputs/,
      (model) => {
        model.graph.outputs.length = 0;
      },
    ],
    [
      /domain "com.example", which the model does not import/,
      ({ graph }) => void graph.append({ opType: "Odd", domain: "com.example", inputs: [inputOf(graph)] }),
    ],
    [
      /"x" \(input 0\), which nothing makes/,
      ({ graph }) => {
        graph.inputs.length = 0;
      },
    ],
    [/Nothing makes the output "nowhere"/, ({ graph }) => void graph.outputs.push(graph.newValue("nowhere"))],
    [
      /"x" is an input of graph "main", but already has a value/,
      ({ graph }) => void graph.inputs.push(inputOf(graph)),
    ],
    [
      /is declared as int32 \[4\]/,
      ({ graph }) => {
        graph.value("w")!.type = { kind: "tensor", elementType: "int32", shape: [4] };
      },
    ],
    [
      /is declared as float32 \[5\]/,
      ({ graph }) => {
        graph.value("w")!.type = { kind: "tensor", elementType: "float32", shape: [5] };
      },
    ],
    [/has 1 inputs; Add takes 2/, (_, node) => node.setInput(1, null)],
    [/does not know that .* uses it/, ({ graph }) => void graph.value("w")!.uses.pop()],
    [
      /lists a use by a node that does not read it/,
      ({ graph }, node) => void graph.value("w")!.uses.push({ node, index: 0 }),
    ],
    [/"w" is made by .*, but already has a value/, ({ graph }, node) => node.setOutput(0, graph.value("w")!)],
    [
      /made only later, by Add .*: sort the nodes/,
      ({ graph }, node) => void graph.insertBefore(node, { opType: "Relu", inputs: [node.output] }),
    ],
    [
      /Two values are named "w"/,
      ({ graph }, node) =>
        graph.nodes.append(
          new Node({
            opType: "If",
            inputs: [inputOf(graph)],
            outputs: [new Value("")],
            attributes: { then_branch: attribute.graph(twin(node)) },
          }),
        ),
    ],
    [
      /made inside another graph/,
      ({ graph }, node) => {
        const body = new Graph("body", graph);
        const inner = body.append({ opType: "Relu", inputs: [inputOf(graph)], outputs: ["inner"] }).output;
        body.outputs.push(inner);
        graph.insertBefore(node, {
          opType: "If",
          inputs: [inputOf(graph)],
          attributes: { then_branch: attribute.graph(body) },
        });
        node.setInput(0, inner);
      },
    ],
    [
      /put an Identity between/,
      ({ graph }, node) => {
        const body = new Graph("body", graph);
        body.outputs.push(inputOf(graph));
        graph.insertBefore(node, {
          opType: "If",
          inputs: [inputOf(graph)],
          attributes: { then_branch: attribute.graph(body) },
        });
      },
    ],
  ];
  for (const [message, breakIt] of cases) {
    const model = modelOf({ x: [4] });
    const { graph } = model;
    const weight = graph.addConstant("w", Tensor.float32([4], [1, 2, 3, 4]));
    const node = graph.append({ opType: "Add", name: "add", inputs: [inputOf(graph), weight] });
    graph.outputs.push(node.output);
    checkModel(model);
    breakIt(model, node);
    assert.throws(() => checkModel(model), { code: "MODEL_INVALID", message });
  }
});

function inputOf(graph: Graph): Value {
  return graph.value("x")!;
}

/** A body, of no parent as a careless caller makes it, that has a value of a name taken outside. */
function twin(node: Node): Graph {
  const body = new Graph("twin");
  body.addConstant(node.input(1)!.name, Tensor.float32([], [1]));
  return body;
}

test("real models pass the checker", async () => {
  for (const path of [...realModels(), fixture("types.onnx"), fixture("control.onnx")])
    checkModel(await readModelFile(path));
});
