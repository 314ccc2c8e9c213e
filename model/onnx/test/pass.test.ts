import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import {
  attribute,
  type Condition,
  cloneModel,
  encodeModelBytes,
  foldConstants,
  inferShapes,
  type Model,
  type Pass,
  passSequence,
  readModel,
  readModelFile,
  removeDeadCode,
  runPasses,
  Tensor,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { realModels } from "./support/files.ts";
import { assertInvariants } from "./support/invariants.ts";
import { modelBytes } from "./support/random-model.ts";

for (const path of realModels()) {
  test(`passes with nothing to do leave ${path.split("/").at(-1)} as it is`, async () => {
    const model = await readModelFile(path);
    const { modified } = runPasses(model, [removeDeadCode, foldConstants]);
    if (!modified) assert.ok(Buffer.from(encodeModelBytes(model)).equals(await readFile(path)));
    assert.equal(runPasses(model, [removeDeadCode, foldConstants]).modified, false);
  });
}

test("on any model the passes keep the graph consistent, or refuse it", () => {
  fc.assert(
    fc.property(modelBytes, (bytes) => {
      const model = readModel(bytes);
      for (const pass of [removeDeadCode, foldConstants]) {
        // Random shapes seldom go together: then the folder says so and changes nothing.
        assert.match(
          codeOf(() => pass.run(model)),
          /^(nothing thrown|SHAPE_CONFLICT)$/,
        );
        assertInvariants(model.graph);
      }
    }),
    { numRuns: 200 },
  );
});

test("a pass that breaks the graph is named", () => {
  const model = modelOf({ x: [2] });
  model.graph.outputs.push(model.graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")] }).output);
  const breaking: Pass = {
    name: "break-things",
    run: ({ graph }) => {
      graph.inputs.length = 0;
      return { modified: true, notes: [] };
    },
  };
  assert.throws(() => runPasses(model, [breaking]), {
    code: "GRAPH_EDIT_INVALID",
    message: /break-things.*"x"/s,
  });
});

/** Two products with one weight, one of them of a constant, and a node that nothing reads. */
function sharing(): Model {
  const model = modelOf({ x: [2, 2] });
  const { graph } = model;
  const weight = graph.addConstant("w", Tensor.float32([2, 2], [1, 2, 3, 4]));
  const first = graph.append({ opType: "MatMul", inputs: [valueNamed(model, "x"), weight], name: "first" });
  const folds = graph.append({ opType: "Transpose", inputs: [weight] });
  const second = graph.append({ opType: "MatMul", inputs: [first.output, folds.output], name: "second" });
  graph.append({ opType: "MatMul", inputs: [first.output, weight], name: "unread" });
  graph.outputs.push(second.output);
  return model;
}

const nothing: Pass = { name: "do-nothing", run: () => ({ modified: false, notes: [] }) };

/** Fails each of the conditions, with what the message must say. */
const unmet: readonly (readonly [Condition, (model: Model) => void, RegExp])[] = [
  ["typed", () => {}, /"x_MatMul"|"first"/],
  ["fixedConstants", ({ graph }) => graph.inputs.push(graph.value("w")!), /"w" is an input/],
  ["ownParameters", () => {}, /MatMul "first" shares "w"/],
  [{ opset: 18 }, () => {}, /operator set 18 .*17/],
];

for (const [condition, spoil, reason] of unmet) {
  const name = JSON.stringify(condition);
  test(`a pass that requires ${name} is refused before it runs, by name, where that does not hold`, () => {
    const model = sharing();
    spoil(model);
    let ran = false;
    const pass: Pass = {
      name: "needs-it",
      requires: [condition],
      run: () => {
        ran = true;
        return { modified: false, notes: [] };
      },
    };
    assert.throws(() => runPasses(model, [pass]), {
      code: "PASS_CONDITION_UNMET",
      message: new RegExp(`needs-it requires .*(${reason.source})`),
    });
    assert.equal(ran, false);
  });

  test(`a pass that says it ensures ${name}, and does not, is caught`, () => {
    const model = sharing();
    spoil(model);
    const lying: Pass = { ...nothing, name: "lies", ensures: [condition] };
    assert.throws(() => runPasses(model, [nothing, lying]), {
      code: "PASS_CONDITION_UNMET",
      message: /lies ensures/,
    });
  });
}

test("conditions that hold let a pass run", () => {
  const model = modelOf({ x: [2, 2] }, 18);
  const { graph } = model;
  for (const name of ["a", "b"]) {
    const weight = graph.addConstant(name, Tensor.float32([2, 2], [1, 2, 3, 4]));
    graph.append({ opType: "MatMul", inputs: [valueNamed(model, "x"), weight], outputs: [`${name}x`] });
  }
  graph.outputs.push(valueNamed(model, "ax"));
  inferShapes(model);
  const conditions: readonly Condition[] = ["typed", "fixedConstants", "ownParameters", { opset: 18 }];
  runPasses(model, [{ ...nothing, requires: conditions, ensures: conditions }]);
});

test("a sequence of passes does what they do one after the other, and names the one that fails", () => {
  const passes = [removeDeadCode, foldConstants, removeDeadCode];
  const [apart, together] = [sharing(), sharing()];
  const results = passes.map((pass) => runPasses(apart, [pass]));
  const whole = runPasses(together, [passSequence("tidy", passes)]);
  assert.deepEqual(encodeModelBytes(together), encodeModelBytes(apart));
  assert.equal(
    whole.modified,
    results.some(({ modified }) => modified),
  );
  assert.deepEqual(
    whole.notes,
    results.flatMap(({ notes }) => notes),
  );

  const lying: Pass = { ...nothing, name: "lies", ensures: ["ownParameters"] };
  assert.throws(() => runPasses(sharing(), [passSequence("outer", [passSequence("inner", [lying])])]), {
    message: /The pass lies ensures/,
  });
});

test("a context reaches every pass of a sequence", () => {
  const seen: string[] = [];
  const note = (name: string): Pass<string[]> => ({
    name,
    run(_, context) {
      context.push(name);
      return { modified: false, notes: [] };
    },
  });
  runPasses(sharing(), [passSequence("both", [note("a"), note("b")]), note("c")], seen);
  assert.deepEqual(seen, ["a", "b", "c"]);
});

test("a pass may remove and insert around the node it stands on", () => {
  const model = modelOf({ x: [1] });
  const { graph } = model;
  let last = valueNamed(model, "x");
  for (let i = 0; i < 6; i++) last = graph.append({ opType: i % 2 ? "Neg" : "Abs", inputs: [last] }).output;
  graph.outputs.push(graph.append({ opType: "Relu", inputs: [last] }).output);
  const visited: string[] = [];
  const rewriting: Pass = {
    name: "rewrite",
    run() {
      for (const node of graph.nodes) {
        visited.push(node.opType);
        // Each Abs becomes two Exp behind it, which are visited in their turn; each Neg goes with what is before it.
        if (node.is("Abs")) {
          const first = graph.insertAfter(node, { opType: "Exp", inputs: [node.input(0)] });
          const second = graph.insertAfter(first, { opType: "Exp", inputs: [first.output] });
          graph.bypass(node, second.output);
        } else if (node.is("Neg")) {
          const before = node.input(0)!.producer!;
          graph.bypass(node, before.output);
          graph.bypass(before, before.input(0)!);
        }
      }
      return { modified: true, notes: ["rewrote"] };
    },
  };
  runPasses(model, [rewriting]);
  assertInvariants(graph);
  assert.deepEqual(visited, [
    "Abs",
    "Exp",
    "Exp",
    "Neg",
    "Abs",
    "Exp",
    "Exp",
    "Neg",
    "Abs",
    "Exp",
    "Exp",
    "Neg",
    "Relu",
  ]);
  assert.deepEqual(
    Array.from(graph.nodes, (node) => node.opType),
    ["Exp", "Exp", "Exp", "Relu"],
  );
});

test("operators that nobody knows pass through untouched", () => {
  const model = modelOf({ x: ["N", 2] });
  model.opsets.set("com.example", 1);
  const { graph } = model;
  const constant = graph.addConstant("c", Tensor.float32([2], [1, 2]));
  const odd = { strange: attribute.floats([0.5]), body: attribute.string("kept") };
  const known = graph.append({ opType: "Add", inputs: [constant, constant] });
  for (const domain of ["", "com.example"]) {
    const inputs = [valueNamed(model, "x"), null, known.output];
    const node = graph.append({
      opType: "Mystery",
      domain,
      inputs,
      attributes: odd,
      outputs: 2,
      name: `m${domain}`,
    });
    graph.outputs.push(...node.outputs);
  }
  const before = cloneModel(model);
  runPasses(model, [foldConstants, removeDeadCode]);
  inferShapes(model);
  const unknown = ({ graph: held }: Model) =>
    [...held.nodes].flatMap((node) =>
      node.opType === "Mystery"
        ? [
            [
              node.domain,
              node.name,
              [...node.attributes],
              node.inputs.map((value) => value?.name),
              node.outputs.map(({ name }) => name),
            ],
          ]
        : [],
    );
  assert.deepEqual(unknown(model), unknown(before));
});
