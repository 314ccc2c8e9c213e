import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, NodeProtoSchema } from "../src/gen/onnx_pb.ts";
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
import { leastCount, needsInput } from "../src/shape/needed-inputs.ts";
import { operatorOf } from "../src/shape/operators.ts";
import { codeOf, modelOf } from "./support/build.ts";
import { fixture, fixtureLines, realModels } from "./support/files.ts";

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

/** By operator: the operator set that brought the inputs, and a letter for each: single, optional or variadic. */
const schemas = fixtureLines<[string, [number, string][]]>("inputs.jsonl");

test("inputs are blank where a published schema calls them optional, and nowhere else", () => {
  for (const [opType, signatures] of schemas) {
    for (let index = 0; index < 10; index++) {
      const isOptional = signatures.some(([, inputs]) => inputs[index] === "o");
      const has = signatures.some(([, inputs]) => index < inputs.length || inputs.endsWith("v"));
      if (has) assert.equal(needsInput(opType, index), !isOptional, `${opType}, input ${index}`);
    }
  }
});

test("an operator has the inputs that its schema needs in the operator set of the model", () => {
  // An input that was needed once and is not any more is let pass: the C of Gemm, the region of Resize.
  const loosened = new Set([
    "Gemm at 7",
    "Gemm at 8",
    "Gemm at 9",
    "Gemm at 10",
    "Resize at 11",
    "Resize at 12",
  ]);
  let compared = 0;
  for (const [opType, signatures] of schemas) {
    const row = operatorOf(opType);
    if (!row) continue;
    for (let opset = 7; opset <= 28; opset++) {
      const inputs = signatures.findLast(([since]) => since <= opset)?.[1];
      if (inputs === undefined || inputs.includes("v")) continue;
      const least = Math.max(row.inputs[0], leastCount(opType, opset));
      const where = `${opType} at ${opset}`;
      if (loosened.has(where)) assert.ok(least < inputs.lastIndexOf("s") + 1, where);
      else assert.equal(least, inputs.lastIndexOf("s") + 1, where);
      assert.ok(row.inputs[1] >= inputs.length, where);
      compared++;
    }
  }
  assert.ok(compared > 2000, `${compared} compared`);
});

test("an input that its operator needs is not left blank, at any place", () => {
  const checked = (opType: string, given: string) => {
    const model = modelOf({ x: [1, 3, 8, 8] });
    const { graph } = model;
    const inputs = [...given].map((letter) => (letter === "x" ? inputOf(graph) : null));
    graph.outputs.push(graph.append({ opType, name: "it", inputs }).output);
    return codeOf(() => checkModel(model));
  };
  const needed = { Min: "x_", Sum: "x_", Max: "_x", Mean: "x_x", Concat: "x_", Einsum: "x_", Conv: "_x" };
  const others = { Where: "_xx", Pad: "x_x", Slice: "xx", Det: "_", SequenceConstruct: "x_", Loop: "xx_" };
  for (const [opType, given] of Object.entries({ ...needed, ...others })) {
    assert.equal(checked(opType, given), "MODEL_INVALID", `${opType}(${given})`);
  }
  for (const [opType, given] of Object.entries({ Clip: "x_x", Resize: "x__x", Loop: "__x", Pad: "xx_x" })) {
    assert.equal(checked(opType, given), "nothing thrown", `${opType}(${given})`);
  }
});

test("a BatchNormalization gives its result, or all that a training step of its operator set gives", () => {
  const counted = (opset: number) =>
    [1, 2, 3, 4, 5].filter((count) => {
      const model = modelOf({ x: [1, 2, 4, 4], c: [2] }, opset);
      const [x, c] = model.graph.inputs;
      const inputs = [x!, c!, c!, c!, c!];
      const node = model.graph.append({ opType: "BatchNormalization", inputs, outputs: count });
      model.graph.outputs.push(node.output);
      return codeOf(() => checkModel(model)) === "nothing thrown";
    });
  assert.deepEqual(counted(13), [1, 5]);
  assert.deepEqual(counted(14), [1, 2, 3]);
});

/** Functions of domain "f" with the inputs "a" and "b"; nodes are written as `Min a b`, calls as `f.G a -`. */
function modelWith(functions: Readonly<Record<string, string>>, call: string): Model {
  const model = modelOf({ a: [4], b: [4] });
  model.opsets.set("f", 1);
  const parts = (text: string) => {
    const [operator = "", ...names] = text.split(" ");
    const [opType = "", domain = ""] = operator.split(".").toReversed();
    return { opType, domain, names: names.map((name) => (name === "-" ? "" : name)) };
  };
  for (const [name, text] of Object.entries(functions)) {
    const { opType, domain, names } = parts(text);
    const node = create(NodeProtoSchema, { opType, domain, input: names, output: ["c"] });
    model.functions.push(
      create(FunctionProtoSchema, { name, domain: "f", input: ["a", "b"], output: ["c"], node: [node] }),
    );
  }
  const { opType, domain, names } = parts(call);
  const inputs = names.map((name) => model.graph.value(name) ?? null);
  model.graph.outputs.push(model.graph.append({ opType, domain, inputs }).output);
  return model;
}

test("a function is checked as it will stand in place of its calls", () => {
  const cases: [RegExp | null, Record<string, string>, string][] = [
    [null, { F: "Min a b" }, "f.F a b"],
    [null, { F: "Clip a b" }, "f.F a"],
    [/Min "c" of the function "F" leaves its input 1 blank/, { F: "Min a -" }, "f.F a b"],
    [/Min .* a call gives no "b"/, { F: "Min a b" }, "f.F a -"],
    [/Min .* a call gives no "b"/, { F: "Min a b" }, "f.F a"],
    [/of the function "F" .* a call gives no "a"/, { F: "Min a b", G: "f.F b a" }, "f.G a -"],
    [/of the function "F" .* a call gives no "b"/, { F: "Min a b", G: "f.F a" }, "Neg a"],
    [/"F" calls itself/, { F: "f.F a b" }, "f.F a b"],
    [/"F" calls itself/, { F: "f.G a b", G: "f.F a b" }, "Neg a"],
  ];
  for (const [message, functions, call] of cases) {
    const model = modelWith(functions, call);
    if (message === null) checkModel(model);
    else assert.throws(() => checkModel(model), { code: "MODEL_INVALID", message });
  }
});

test("the uses of a value are looked through once, however many nodes read it", () => {
  const model = modelOf({ x: [4] });
  const { graph } = model;
  const x = inputOf(graph);
  for (let i = 0; i < 50; i++) graph.outputs.push(graph.append({ opType: "Relu", inputs: [x] }).output);
  const { uses } = x;
  let looks = 0;
  Object.defineProperty(x, "uses", {
    get() {
      looks++;
      return uses;
    },
  });
  checkModel(model);
  assert.ok(looks <= 2, `${looks} looks at a list of ${uses.length}`);
});

test("real models pass the checker", async () => {
  for (const path of [...realModels(), fixture("types.onnx"), fixture("control.onnx")])
    checkModel(await readModelFile(path));
});
