/** Lifetimes and peaks, against graphs worked out by hand and against a count of every value at every node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import {
  attribute,
  Graph,
  type MemoryPlan,
  type Model,
  type Node,
  planMemory,
  type ReuseRule,
  Tensor,
  tensorType,
  type Value,
} from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";

/** Appends a node that makes `name`, of float32 [size]. */
function make(
  model: Model,
  opType: string,
  name: string,
  inputs: readonly string[],
  size: number | null,
): Value {
  const node = model.graph.append({
    opType,
    inputs: inputs.map((input) => valueNamed(model, input)),
    outputs: [name],
    type: tensorType("float32", size === null ? null : [size]),
  });
  return node.output;
}

const rules: Readonly<Record<string, ReuseRule>> = {
  Relu: { kind: "in place", inputs: [0] },
  Sum: { kind: "in place", inputs: [1, 0] },
  Flatten: { kind: "alias", inputs: [0] },
};
const reuse = (node: Node) => rules[node.opType] ?? null;
const held = ({ steps }: MemoryPlan) => steps.map(({ heldBytes }) => heldBytes);
const needed = ({ steps }: MemoryPlan) => steps.map(({ neededBytes }) => neededBytes);

/** x -> a -> b (Relu) -> c, and c + a; sizes 10, 10, 20, 10 floats. */
function shortcut(): Model {
  const model = modelOf({ x: [5] });
  make(model, "Exp", "a", ["x"], 10);
  make(model, "Relu", "b", ["a"], 10);
  make(model, "Exp", "c", ["b"], 20);
  make(model, "Exp", "d", ["c"], 10);
  make(model, "Sum", "e", ["a", "d"], 10);
  model.graph.outputs.push(make(model, "Exp", "y", ["e"], 1));
  return model;
}

test("without reuse a value is held from the node that makes it to the last that reads it", () => {
  const plan = planMemory(shortcut(), { reusesFreed: false });
  // a; a b; a b c; a c d; a d e; e y
  assert.deepEqual(held(plan), [40, 80, 160, 160, 120, 44]);
  assert.deepEqual(needed(plan), held(plan));
  assert.deepEqual([plan.peakBytes, plan.neededBytes, plan.inputBytes, plan.weightBytes], [160, 160, 20, 0]);
  assert.deepEqual(
    plan.values.map(({ name, madeAt, lastReadAt }) => [name, madeAt, lastReadAt]),
    [
      ["a", 0, 4],
      ["b", 1, 2],
      ["c", 2, 3],
      ["d", 3, 4],
      ["e", 4, 5],
      ["y", 5, 6],
    ],
  );
});

test("in place where nobody reads the input afterwards, in memory that was freed, and never an input of the graph", () => {
  const model = shortcut();
  const plan = planMemory(model, { reuse });
  assert.deepEqual(
    plan.values.map((value) => [value.name, value.in]),
    [
      ["a", null],
      // The sum reads a later on.
      ["b", null],
      ["c", null],
      // b is free since c was made, and is held while it waits.
      ["d", { value: "b", how: "freed" }],
      ["e", { value: "d", how: "in place" }],
      ["y", null],
    ],
  );
  assert.deepEqual(held(plan), [40, 80, 160, 160, 80, 44]);
  const fed = modelOf({ x: [10] });
  make(fed, "Relu", "a", ["x"], 10);
  make(fed, "Relu", "b", ["a"], 10);
  fed.graph.outputs.push(make(fed, "Relu", "y", ["b"], 10));
  // x is the caller's, y is handed over: both are memory of their own.
  assert.deepEqual(held(planMemory(fed, { reuse })), [40, 40, 80]);
});

test("memory that is promised to a later value is held though nobody needs it", () => {
  const model = modelOf({ x: [1] });
  make(model, "Exp", "a", ["x"], 100);
  make(model, "Exp", "b", ["a"], 1);
  make(model, "Exp", "c", ["b"], 2);
  make(model, "Exp", "d", ["c"], 100);
  model.graph.outputs.push(make(model, "Exp", "y", ["d"], 3));
  const plan = planMemory(model);
  assert.deepEqual(held(plan), [400, 404, 412, 408, 412]);
  assert.deepEqual(needed(plan), [400, 404, 12, 408, 412]);
});

test("an alias is the same memory, also of a value that others read, and of an input it is the caller's", () => {
  const model = modelOf({ x: [6] });
  make(model, "Flatten", "f", ["x"], 6);
  make(model, "Exp", "a", ["f"], 6);
  make(model, "Flatten", "g", ["a"], 6);
  make(model, "Relu", "r", ["g"], 6);
  model.graph.outputs.push(make(model, "Sum", "y", ["r", "a"], 6));
  const plan = planMemory(model, { reuse });
  assert.deepEqual(
    plan.values.map((value) => [value.name, value.bytes, value.in?.how ?? null]),
    [
      ["f", 0, "alias"],
      ["a", 24, null],
      ["g", 0, "alias"],
      ["r", 24, null],
      ["y", 24, null],
    ],
  );
  assert.deepEqual(held(plan), [0, 24, 24, 48, 72]);
});

test("an open first size is the batch, other unknown sizes are named and count nothing", () => {
  const model = modelOf({ x: ["N", 4], z: ["M", "side"] });
  const a = make(model, "Exp", "a", ["x"], null);
  a.type = tensorType("float32", ["N", 2]);
  make(model, "Exp", "b", ["z"], null);
  model.graph.addConstant("w", Tensor.float32([3], [1, 2, 3]));
  model.graph.outputs.push(make(model, "Sum", "y", ["a", "b", "w"], 2));
  const plan = planMemory(model);
  assert.deepEqual(held(plan), [8, 8, 16]);
  assert.deepEqual(held(planMemory(model, { batch: 5 })), [40, 40, 48]);
  assert.deepEqual([plan.unsized, plan.inputBytes, plan.weightBytes], [["b", "z"], 16, 12]);
  assert.equal(planMemory(model, { batch: 5 }).inputBytes, 80);
});

test("what a body reads is read by its node, and that its inside is not counted is said", () => {
  const model = modelOf({ x: [4], flag: ["bool", []] });
  make(model, "Exp", "a", ["x"], 4);
  make(model, "Exp", "b", ["x"], 4);
  const body = () => {
    const made = new Graph("body", model.graph);
    made.outputs.push(
      made.append({ opType: "Neg", inputs: [valueNamed(model, "a")], type: tensorType("float32", [4]) })
        .output,
    );
    return { kind: "graph" as const, value: made };
  };
  const [y] = model.graph.append({
    opType: "If",
    name: "choice",
    inputs: [valueNamed(model, "flag")],
    outputs: ["y"],
    type: tensorType("float32", [4]),
    attributes: { then_branch: body(), else_branch: body() },
  }).outputs;
  model.graph.outputs.push(make(model, "Sum", "z", ["b", "y"], 4));
  assert.ok(y);
  const plan = planMemory(model, { reusesFreed: false });
  assert.deepEqual(plan.values.find(({ name }) => name === "a")?.lastReadAt, 2);
  assert.deepEqual(plan.unfollowed, ['If "choice"']);
});

/** Nodes that read one or two earlier values at random, and a few outputs. */
function randomModel(seed: number): Model {
  const random = createRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)]!;
  const model = modelOf({ x: [3] });
  const names = ["x"];
  for (let i = 0; i < 14; i++) {
    const opType = pick(["Exp", "Relu", "Sum", "Flatten"]);
    const recent = names.slice(-5);
    const inputs = opType === "Sum" ? [pick(recent), pick(recent)] : [pick(recent)];
    const first = model.graph.value(inputs[0]!)!.shape![0] as number;
    make(model, opType, `v${i}`, inputs, opType === "Flatten" ? first : pick([1, 2, 3]));
    names.push(`v${i}`);
  }
  for (const name of ["v13", "v5"]) model.graph.outputs.push(valueNamed(model, name));
  return model;
}

/** Bytes of the values that exist at a node: made by then, and read by it or later. */
function countedAt(model: Model, at: number): number {
  const nodes = [...model.graph.nodes];
  let bytes = 0;
  nodes.slice(0, at + 1).forEach((node, made) => {
    const isRead = nodes.slice(at).some((later) => later.inputs.includes(node.output));
    if (isRead || made === at || model.graph.isOutput(node.output))
      bytes += 4 * (node.output.shape![0] as number);
  });
  return bytes;
}

test("random graphs: what is needed is a count of the values that exist, and no memory is taken from who still reads it", () => {
  let reused = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const model = randomModel(seed);
    const plain = planMemory(model, { reusesFreed: false });
    const counted = plain.steps.map((_, at) => countedAt(model, at));
    assert.deepEqual(needed(plain), counted, `seed ${seed}`);
    assert.deepEqual(held(plain), counted, `seed ${seed}`);
    const plan = planMemory(model, { reuse });
    plan.steps.forEach((step, at) => {
      assert.ok(step.neededBytes <= counted[at]!, `seed ${seed}`);
      assert.ok(step.neededBytes <= step.heldBytes, `seed ${seed}`);
    });
    reused += plan.values.filter((value) => value.in !== null).length;
    assertDisjoint(model, plan, `seed ${seed}`);
  }
  assert.ok(reused > 500);
});

/** Values in the same memory are never both to be read, but for an alias and the node that writes in place. */
function assertDisjoint(model: Model, { values }: MemoryPlan, what: string): void {
  const blocks = new Map<string, typeof values>();
  const root = (name: string): string => {
    const found = values.find((value) => value.name === name);
    return found?.in ? root(found.in.value) : name;
  };
  for (const value of values) {
    const of = root(value.name);
    blocks.set(of, [...(blocks.get(of) ?? []), value]);
  }
  for (const [of, inside] of blocks) {
    const isFed = model.graph.inputs.some(({ name }) => name === of);
    for (const later of inside) {
      if (later.in === null || later.in.how === "alias") continue;
      assert.ok(!isFed, `${what}: ${later.name} is written into the caller's ${of}`);
      for (const earlier of inside.filter(({ madeAt }) => madeAt < later.madeAt)) {
        const isOver: boolean =
          later.in.how === "freed" ? earlier.lastReadAt < later.madeAt : earlier.lastReadAt <= later.madeAt;
        assert.ok(
          isOver,
          `${what}: ${later.name} takes ${earlier.name}, which is read at ${earlier.lastReadAt}`,
        );
      }
    }
  }
}

test("the plan of a real form: a residual block keeps its shortcut until the sum", () => {
  const model = modelOf({ x: ["N", 8, 4, 4] });
  model.graph.append({
    opType: "Conv",
    inputs: [
      valueNamed(model, "x"),
      model.graph.addConstant("w", Tensor.float32([8, 8, 1, 1], new Float32Array(64))),
    ],
    outputs: ["c"],
    type: tensorType("float32", ["N", 8, 4, 4]),
    attributes: { kernel_shape: attribute.ints([1, 1]) },
  });
  const [y] = model.graph.append({
    opType: "Sum",
    inputs: [valueNamed(model, "x"), valueNamed(model, "c")],
    outputs: ["y"],
    type: tensorType("float32", ["N", 8, 4, 4]),
  }).outputs;
  model.graph.outputs.push(y!);
  const plan = planMemory(model, { batch: 2, reuse });
  assert.deepEqual([plan.weightBytes, plan.inputBytes, plan.peakBytes], [256, 1024, 2048]);
});
