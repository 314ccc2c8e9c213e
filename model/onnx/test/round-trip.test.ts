import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  byteLengthOfAll,
  cloneModel,
  encodeModel,
  encodeModelBytes,
  readModel,
  readModelFile,
  subgraphsOf,
} from "../src/index.ts";
import { fixture, fixtureLines, realModels } from "./support/files.ts";
import { modelBytes } from "./support/random-model.ts";

const paths = realModels();
test("real models are present", { skip: paths.length === 0 && "no models under CUPEL_DATA" }, () => {
  assert.ok(paths.length > 0);
});

for (const path of [...paths, fixture("types.onnx"), fixture("control.onnx")]) {
  test(`${basename(path)}, read and written unchanged, is the same to the byte`, async () => {
    const model = await readModelFile(path);
    const written = encodeModelBytes(model);
    assert.ok(Buffer.from(written).equals(readFileSync(path)));
    assert.equal(byteLengthOfAll(encodeModel(model)), written.byteLength);
  });
}

test("any model, read and written unchanged, is the same to the byte; so is its clone", () => {
  fc.assert(
    fc.property(modelBytes, (bytes) => {
      const model = readModel(bytes);
      assert.ok(Buffer.from(encodeModelBytes(model)).equals(bytes));
      assert.ok(Buffer.from(encodeModelBytes(cloneModel(model))).equals(bytes));
    }),
    { numRuns: 400 },
  );
});

test("an edit in one place leaves everything else as it was", () => {
  fc.assert(
    fc.property(modelBytes, (bytes) => {
      const model = readModel(bytes);
      const before = readModel(bytes);
      const used = model.graph.value("v0");
      if (used) {
        const made = model.graph.append({ opType: "Relu", inputs: [used], outputs: ["added"] });
        model.graph.remove(made);
      }
      const value = model.graph.value("v1");
      if (value) model.graph.rename(value, "renamed");
      const again = readModel(encodeModelBytes(model));
      if (value) again.graph.rename(again.graph.value("renamed")!, "v1");
      assert.deepEqual(factsOf(again), factsOf(before));
    }),
    { numRuns: 200 },
  );
});

test("renaming a value back and forth gives the same bytes", async () => {
  const path = fixture("control.onnx");
  const model = await readModelFile(path);
  for (const name of ["chosen", "x", "y", "w"]) {
    const value = model.graph.value(name)!;
    model.graph.rename(value, "other");
    model.graph.rename(value, name);
  }
  assert.ok(Buffer.from(encodeModelBytes(model)).equals(readFileSync(path)));
});

test("the typed fields and raw data of each element type decode to the same bytes, those onnx writes", async () => {
  const { graph } = await readModelFile(fixture("types.onnx"));
  for (const { name, bytes } of fixtureLines<{ name: string; bytes: number[] }>("types.jsonl")) {
    assert.deepEqual([...graph.value(`raw_${name}`)!.constant!.bytes()], bytes, name);
    assert.deepEqual([...graph.value(`typed_${name}`)!.constant!.bytes()], bytes, name);
  }
  const { source } = graph.value("typed_string")!.constant!;
  assert.equal(source.kind, "strings");
  const decoder = new TextDecoder();
  assert.deepEqual(source.kind === "strings" && source.strings.map((bytes) => decoder.decode(bytes)), [
    "a",
    "é",
  ]);
});

test("bodies see the values around them, and the uses there are counted", async () => {
  const { graph } = await readModelFile(fixture("control.onnx"));
  const x = graph.value("x")!;
  assert.deepEqual(x.consumers.map((node) => node.opType).sort(), ["Add", "Loop", "Mul"]);
  const branch = [...graph.nodes].find((node) => node.opType === "If")!;
  assert.deepEqual(
    subgraphsOf(branch)
      .map((body) => body.name)
      .sort(),
    ["no", "yes"],
  );
  assert.equal(subgraphsOf(branch)[0]!.value("x"), x);
});

/** A model without its messages: what it means. */
function factsOf(model: ReturnType<typeof readModel>): unknown {
  const graphFacts = (graph: typeof model.graph): unknown => ({
    name: graph.name,
    inputs: graph.inputs.map((value) => [value.name, value.shape]),
    outputs: graph.outputs.map((value) => [value.name, value.shape]),
    constants: Array.from(graph.initializers, (value) => [
      value.name,
      value.constant?.type,
      value.constant?.dims,
    ]),
    nodes: Array.from(graph.nodes, (node) => ({
      op: `${node.domain}.${node.opType}.${node.name}`,
      inputs: node.inputs.map((value) => value?.name),
      outputs: node.outputs.map((value) => value.name),
      attributes: Array.from(node.attributes, ([name, held]) => [name, held.kind]),
      bodies: subgraphsOf(node).map(graphFacts),
    })),
  });
  return { graph: graphFacts(model.graph), opsets: [...model.opsets], metadata: [...model.metadata] };
}
