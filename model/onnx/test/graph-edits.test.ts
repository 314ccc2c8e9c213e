import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  attribute,
  cloneModel,
  cutOut,
  encodeModelBytes,
  Graph,
  type Node,
  readModel,
  readModelFile,
  subgraphsOf,
  Tensor,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { fixture } from "./support/files.ts";
import { assertInvariants } from "./support/invariants.ts";

/** x -> Relu -> Relu -> ... as a chain of `count` nodes named 0, 1, ... */
function chain(count: number) {
  const model = modelOf({ x: ["N", 3] });
  let value = valueNamed(model, "x");
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) {
    const node = model.graph.append({ opType: "Relu", name: `${i}`, inputs: [value] });
    nodes.push(node);
    value = node.output;
  }
  model.graph.outputs.push(value);
  return { model, graph: model.graph, nodes };
}

/** The names a walk sees when `edit` happens at the node of that name. */
function walk(
  count: number,
  at: string,
  edit: (graph: Graph, node: Node, nodes: readonly Node[]) => void,
): string[] {
  const { graph, nodes } = chain(count);
  graph.outputs.length = 0;
  const seen: string[] = [];
  for (const node of graph.nodes) {
    seen.push(node.name);
    if (node.name === at) edit(graph, node, nodes);
  }
  return seen;
}

const x = (graph: Graph) => [graph.value("x")!];

test("a walk goes on when the current node is removed", () => {
  assert.deepEqual(
    walk(4, "1", (graph, node) => graph.bypass(node, node.input(0)!)),
    ["0", "1", "2", "3"],
  );
});

test("a walk skips nodes ahead that are removed, also with the current one", () => {
  const removeBoth = (graph: Graph, node: Node, nodes: readonly Node[]) => {
    graph.bypass(nodes[2]!, node.output);
    graph.bypass(node, node.input(0)!);
  };
  assert.deepEqual(walk(4, "1", removeBoth), ["0", "1", "3"]);
  assert.deepEqual(
    walk(4, "1", (graph, node, nodes) => graph.bypass(nodes[2]!, node.output)),
    ["0", "1", "3"],
  );
});

test("a walk visits what is inserted after the current node, not what is inserted before", () => {
  const spec = (graph: Graph, name: string) => ({ opType: "Abs", name, inputs: x(graph) });
  assert.deepEqual(
    walk(3, "1", (graph, node) => void graph.insertAfter(node, spec(graph, "new"))),
    ["0", "1", "new", "2"],
  );
  assert.deepEqual(
    walk(3, "1", (graph, node) => void graph.insertBefore(node, spec(graph, "new"))),
    ["0", "1", "2"],
  );
  assert.deepEqual(
    walk(2, "1", (graph) => void graph.append(spec(graph, "new"))),
    ["0", "1", "new"],
  );
});

test("a walk visits what takes the place of a removed node", () => {
  const replace = (graph: Graph, node: Node) => {
    graph.bypass(node, node.input(0)!);
    graph.append({ opType: "Abs", name: "new", inputs: x(graph) });
  };
  assert.deepEqual(walk(2, "1", replace), ["0", "1", "new"]);
  const before = (graph: Graph, node: Node, nodes: readonly Node[]) => {
    graph.bypass(node, node.input(0)!);
    graph.insertBefore(nodes[2]!, { opType: "Abs", name: "new", inputs: x(graph) });
  };
  assert.deepEqual(walk(3, "1", before), ["0", "1", "new", "2"]);
});

test("uses, producers and names stay true under any sequence of edits", () => {
  const step = fc.record({
    kind: fc.constantFrom(
      "append",
      "before",
      "after",
      "remove",
      "bypass",
      "input",
      "replace",
      "rename",
      "constant",
    ),
    a: fc.nat(99),
    b: fc.nat(99),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { model, graph } = chain(4);
      for (const { kind, a, b } of steps) {
        const nodes = [...graph.nodes];
        const values = [...graph.values()];
        const node = nodes[a % nodes.length];
        const value = values[b % values.length]!;
        const spec = { opType: "Add", inputs: [value, null, value] };
        // Edits that would break the graph are refused and change nothing: that is part of the property.
        const before = [...graph.nodes].length;
        const code = codeOf(() => {
          if (kind === "append" || !node) graph.append(spec);
          else if (kind === "before") graph.insertBefore(node, spec);
          else if (kind === "after") graph.insertAfter(node, spec);
          else if (kind === "remove") graph.remove(node);
          else if (kind === "bypass" && node.input(0) !== node.output) graph.bypass(node, node.input(0)!);
          else if (kind === "input") node.setInput(b % 3, value);
          else if (kind === "replace") graph.replaceUses(node.output, value);
          else if (kind === "rename") graph.rename(value, `r${b}`);
          else if (kind === "constant") graph.addConstant("c", Tensor.int64([], [b]));
        });
        assert.ok(code === "nothing thrown" || code === "GRAPH_EDIT_INVALID", code);
        if (code === "GRAPH_EDIT_INVALID") assert.equal([...graph.nodes].length, before);
        assertInvariants(graph);
      }
      assert.doesNotThrow(() => encodeModelBytes(model));
    }),
    { numRuns: 300 },
  );
});

test("removing a node with bodies frees what the bodies used", async () => {
  const model = await readModelFile(fixture("control.onnx"));
  const { graph } = model;
  const branch = [...graph.nodes].find((node) => node.opType === "If")!;
  const names = subgraphsOf(branch).flatMap((body) => Array.from(body.values(), (value) => value.name));
  graph.replaceUses(branch.output, valueNamed(model, "x"));
  graph.remove(branch);
  assertInvariants(graph);
  assert.equal(valueNamed(model, "w").uses.length, 0);
  assert.deepEqual(
    names.filter((name) => graph.uniqueName(name) !== name),
    [],
  );
});

test("a name is unique through all nested graphs, so that no body is captured", async () => {
  const { graph } = await readModelFile(fixture("control.onnx"));
  // "k" and "a" are values of the bodies of the If.
  assert.notEqual(graph.uniqueName("k"), "k");
  assert.equal(
    codeOf(() => graph.rename(graph.value("w")!, "a")),
    "GRAPH_EDIT_INVALID",
  );
  const made = [1, 2, 3].map(() => graph.newValue("fresh").name);
  assert.equal(new Set(made).size, 3);
});

test("what is still used is not removed", () => {
  const { graph, nodes } = chain(2);
  assert.equal(
    codeOf(() => graph.remove(nodes[0]!)),
    "GRAPH_EDIT_INVALID",
  );
  assert.equal(
    codeOf(() => graph.remove(nodes[1]!)),
    "GRAPH_EDIT_INVALID",
  );
  const constant = graph.addConstant("c", Tensor.float32([], [1]));
  nodes[0]!.setInput(1, constant);
  assert.equal(
    codeOf(() => graph.removeConstant(constant)),
    "GRAPH_EDIT_INVALID",
  );
  assertInvariants(graph);
});

test("a bypass at the end keeps the output's name, and never takes a name callers know", () => {
  const { model, graph, nodes } = chain(2);
  const name = graph.outputs[0]!.name;
  graph.bypass(nodes[1]!, nodes[0]!.output);
  assert.deepEqual(
    graph.outputs.map((value) => value.name),
    [name],
  );
  assert.equal(graph.canBypass(nodes[0]!, valueNamed(model, "x")), false);
  assert.equal(
    codeOf(() => graph.bypass(nodes[0]!, valueNamed(model, "x"))),
    "GRAPH_EDIT_INVALID",
  );
  assert.deepEqual(
    graph.inputs.map((value) => value.name),
    ["x"],
  );
  assertInvariants(graph);
});

test("a node absorbs its follower under the name callers know, or changes nothing", () => {
  const { graph, nodes } = chain(3);
  const name = graph.outputs[0]!.name;
  const between = nodes[1]!.output.name;
  graph.absorb(nodes[1]!, nodes[2]!);
  assert.deepEqual(
    graph.outputs.map((value) => [value.name, value.producer?.name]),
    [[name, "1"]],
  );
  assert.equal(graph.uniqueName(between), between);
  assertInvariants(graph);
  graph.append({ opType: "Abs", inputs: [nodes[0]!.output] });
  assert.equal(
    codeOf(() => graph.absorb(nodes[0]!, nodes[1]!)),
    "GRAPH_EDIT_INVALID",
  );
  assertInvariants(graph);
  assert.equal(graph.nodes.has(nodes[1]!), true);
});

test("a clone shares weights and nothing else", async () => {
  const model = await readModelFile(fixture("control.onnx"));
  const before = encodeModelBytes(model);
  const copy = cloneModel(model);
  assertInvariants(copy.graph);
  assert.equal(valueNamed(copy, "w").constant, valueNamed(model, "w").constant);
  copy.metadata.set("labels", "changed");
  copy.opset = 22;
  const branch = [...copy.graph.nodes].find((node) => node.opType === "If")!;
  const [body] = subgraphsOf(branch);
  body!.rename(body!.outputs[0]!, "elsewhere");
  branch.attributes.set("extra", attribute.int(1));
  copy.graph.rename(valueNamed(copy, "x"), "input");
  copy.graph.setConstant(valueNamed(copy, "w"), Tensor.float32([3], [0, 0, 0]));
  assert.ok(Buffer.from(encodeModelBytes(model)).equals(before));
  assertInvariants(model.graph);
});

test("a clone keeps the types that were inferred and never written to the file", () => {
  const model = modelOf({ x: ["N", 3] });
  const node = model.graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")] });
  node.output.type = valueNamed(model, "x").type;
  assert.deepEqual(valueNamed(cloneModel(model), node.output.name).shape, ["N", 3]);
});

test("a graph built by hand is written and read back", () => {
  const { model } = chain(3);
  const body = new Graph("body", model.graph);
  body.outputs.push(
    body.append({ opType: "Identity", inputs: [valueNamed(model, "x")], outputs: ["inner"] }).output,
  );
  model.graph.append({
    opType: "If",
    inputs: [model.graph.addConstant("yes", Tensor.fromBytes("bool", [], Uint8Array.of(1)))],
    outputs: ["", "chosen"],
    attributes: {
      then_branch: attribute.graph(body),
      axis: attribute.ints([1, -1]),
      alpha: attribute.float(0.5),
    },
  });
  const again = readModel(encodeModelBytes(model));
  const last = [...again.graph.nodes].at(-1)!;
  assert.deepEqual(
    last.outputs.map((value) => value.name),
    ["", "chosen"],
  );
  assert.deepEqual(last.ints("axis"), [1, -1]);
  assert.equal(last.float("alpha", 0), 0.5);
  assert.equal(subgraphsOf(last)[0]!.outputs[0]!.name, "inner");
  assert.deepEqual(again.graph.inputs[0]!.shape, ["N", 3]);
});

test("the uses of a value that many nodes read are not searched through when nodes go in their order or against it", () => {
  for (const order of ["forwards", "backwards"]) {
    const model = modelOf({ x: [4] });
    const x = valueNamed(model, "x");
    const nodes = Array.from({ length: 400 }, () => model.graph.append({ opType: "Relu", inputs: [x] }));
    let looks = 0;
    for (const [at, use] of x.uses.entries()) {
      const { node, index } = use;
      x.uses[at] = {
        index,
        get node() {
          looks++;
          return node;
        },
      };
    }
    for (const node of order === "forwards" ? nodes : nodes.toReversed()) model.graph.remove(node);
    assert.equal(x.uses.length, 0);
    assert.ok(looks <= 4 * nodes.length, `${looks} looks at ${nodes.length} uses ${order}`);
  }
});

test("a part is cut out with what it needs and nothing else, and the model stays as it is", () => {
  const model = modelOf({ x: ["N", 3], beside: ["N", 3] });
  const { graph } = model;
  const weight = graph.addConstant("w", Tensor.float32([3], [1, 2, 3]));
  graph.append({ opType: "Mul", inputs: [valueNamed(model, "x"), weight], outputs: ["a"] });
  graph.append({
    opType: "Add",
    inputs: [valueNamed(model, "a"), valueNamed(model, "beside")],
    outputs: ["b"],
  });
  graph.append({ opType: "Mul", inputs: [valueNamed(model, "b"), valueNamed(model, "a")], outputs: ["c"] });
  graph.append({ opType: "Relu", inputs: [valueNamed(model, "c")], outputs: ["d"] });
  graph.outputs.push(valueNamed(model, "d"));
  const before = encodeModelBytes(model);
  const partOf = (inputs: readonly string[], outputs: readonly string[]) => {
    const part = cutOut(model, inputs, outputs);
    assertInvariants(part.graph);
    return [
      Array.from(part.graph.nodes, ({ opType }) => opType).join(" "),
      part.graph.inputs.map(({ name }) => name).join(" "),
      part.graph.outputs.map(({ name }) => name).join(" "),
      Array.from(part.graph.initializers, ({ name }) => name).join(" "),
    ];
  };
  assert.deepEqual(partOf(["a"], ["c"]), ["Add Mul", "beside a", "c", ""]);
  assert.deepEqual(partOf(["b"], ["d"]), ["Mul Mul Relu", "x b", "d", "w"]);
  assert.deepEqual(partOf([], ["a"]), ["Mul", "x", "a", "w"]);
  assert.deepEqual(partOf(["x"], ["a", "b"]), ["Mul Add", "x beside", "a b", "w"]);
  for (const [inputs, outputs] of [
    [["w"], ["d"]],
    [["none"], ["d"]],
    [["a"], ["a"]],
  ] as const)
    assert.equal(
      codeOf(() => cutOut(model, inputs, outputs)),
      "GRAPH_EDIT_INVALID",
    );
  assert.deepEqual(encodeModelBytes(model), before);
});
