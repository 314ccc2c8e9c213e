/** `cupel inspect` of models that the engine cannot load, cannot run, or that crash it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { classifier, classifierBytes, cupel, scratch } from "./harness.ts";

/** One node over an image [1, 3, 4, 4]. @param others further inputs of the node: constants, or blank for null. */
function oneNode(
  opType: string,
  others: readonly (Tensor | null)[],
  options: { readonly domain?: string } = {},
) {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", [1, 3, 4, 4])));
  graph.inputs.push(x);
  const inputs = others.map((other, i) => (other === null ? null : graph.addConstant(`c${i}`, other)));
  graph.outputs.push(
    graph.append({ opType, inputs: [x, ...inputs], type: tensorType("float32", ["N", 3, 4, 4]), ...options })
      .output,
  );
  return encodeModelBytes(model);
}

const cannot: readonly [string, () => Uint8Array, RegExp][] = [
  ["an operator that is not there", () => oneNode("Frobnicate", []), /does not know the operator Frobnicate/],
  // Known when the graph runs, not before: an image there is none of.
  ["an index beyond the end", () => oneNode("Gather", [Tensor.int64([1], [99])]), /failed to run.*Gather/],
  [
    "an input that is blank, on which the engine crashes",
    () => oneNode("Sum", [null]),
    /crashed|failed|invalid/i,
  ],
];

for (const [what, bytes, reason] of cannot) {
  test(`${what}: shown, and the status is not 0`, async () => {
    await using folder = await scratch();
    const path = await folder.write("bad.onnx", bytes());
    const told = await cupel("inspect", path);
    assert.ok(told.status > 0, "the status is 0");
    assert.match(told.out, /^engine +ONNX Runtime \S+ cannot run it: /m);
    assert.match(told.out, reason);
    assert.match(told.err, /^error [A-Z_]+: /m);
    const asJson = await cupel("inspect", path, "--json");
    const { engine, error, nodes } = JSON.parse(asJson.out);
    assert.equal(engine.runs, false);
    assert.equal(engine.reason, error.message);
    assert.equal(nodes, 1);
    assert.equal(asJson.status, told.status);
  });
}

test("where the memory is: predicted by the engine's graph, beside what was measured", async () => {
  await using folder = await scratch();
  const path = await folder.write("model.onnx", classifierBytes({ side: 32, filters: 16 }));
  const told = await cupel("inspect", path, "--memory");
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^weights +[\d.]+ kB stored.*\nfed +4\.10 kB\nactivations +\S+ kB at most/m);
  assert.match(
    told.out,
    /^predicted +.*\nmeasured +.* anonymous, .* above a bare process, .* the whole process/m,
  );
  assert.match(told.out, /^ *\d+ +\S*Conv.* yes$/m);
  const four = JSON.parse((await cupel("inspect", path, "--memory", "--batch", "4", "--json")).out);
  assert.equal(four.memory.predicted.inputs, 4 * 4 * 32 * 32);
  assert.ok(four.memory.measured.wholeProcess > four.memory.measured.aboveBare);
  const idle = await cupel("inspect", path, "--batch", "4");
  assert.match(idle.err, /OPTION_INVALID: --batch is of no use without --memory/);
});

test("sizes that a model leaves open are tried, and told", async () => {
  await using folder = await scratch();
  const open = await folder.write("open.onnx", classifierBytes({ inputShape: ["N", 1, "height", "width"] }));
  const told = await cupel("inspect", open);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^engine +ONNX Runtime \S+ runs it, tried at image \[1, 1, 224, 224\]$/m);
  const { engine } = JSON.parse(
    (await cupel("inspect", await folder.write("fixed.onnx", encodeModelBytes(classifier())), "--json")).out,
  );
  assert.deepEqual([engine.runs, engine.reason], [true, null]);
  assert.deepEqual(engine.fed, [{ name: "image", dims: [1, 1, 8, 8] }]);
});

test("nodes with the same name are told, and the model is tried with other names", async () => {
  await using folder = await scratch();
  const model = classifier();
  const nodes = [...model.graph.nodes];
  for (const node of nodes) node.name = "same";
  const told = await cupel("inspect", await folder.write("names.onnx", encodeModelBytes(model)));
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^node names +not unique: several nodes are called "same"/m);
  assert.match(told.out, /^engine +ONNX Runtime \S+ runs it/m);
});
