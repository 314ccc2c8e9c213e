/** Values are found again after a rewrite: renamed, folded, scaled, with channels removed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Correspondence,
  type Counterpart,
  followEdits,
  followed,
  Graph,
  sameAs,
  sameValues,
  tensorType,
  Value,
} from "../src/index.ts";

/** x -> a -> b -> y */
function chain(): Graph {
  const graph = new Graph("chain");
  graph.inputs.push(graph.add(new Value("x", tensorType("float32", ["N", 4]))));
  for (const name of ["a", "b", "y"]) {
    const input = [...graph.values()].at(-1)!;
    graph.append({ opType: "Relu", inputs: [input], outputs: [name] });
  }
  graph.outputs.push(graph.value("y")!);
  return graph;
}

const of = (...entries: readonly (readonly [string, Partial<Counterpart>])[]): Correspondence =>
  new Map(entries.map(([name, counterpart]) => [name, { ...sameAs(name), ...counterpart }]));

test("edits in place are followed: renamed values by their new name, removed ones not at all", () => {
  const graph = chain();
  const edits = followEdits(graph);
  graph.rename(graph.value("a")!, "first");
  graph.absorb(graph.value("first")!.producer!, graph.value("b")!.producer!);
  const found = edits();
  assert.deepEqual([...found.keys()], ["x", "b", "y"]);
  assert.deepEqual(found.get("b"), sameAs("b"));
  graph.rename(graph.value("b")!, "second");
  assert.equal(edits().get("b")?.name, "second");
});

test("a name that another value takes over does not lead to that value", () => {
  const graph = chain();
  const edits = followEdits(graph);
  graph.rename(graph.value("a")!, "c");
  graph.rename(graph.value("b")!, "a");
  assert.equal(edits().get("a")?.name, "c");
  assert.equal(edits().get("b")?.name, "a");
});

test("rewrites in a row are one: names, factors and channels", () => {
  // x has 4 channels; the first rewrite doubles what stands for them, the second keeps channels 3 and 1.
  const first = of(["x", { name: "x1", factors: Float32Array.of(1, 2, 4, 8) }], ["gone", {}]);
  const second = of(["x1", { name: "x2", channels: [3, 1], factors: Float32Array.of(0.5, 3) }]);
  const third = of(["x2", { name: "x3", channels: [1] }]);
  const both = followed(first, second);
  assert.deepEqual([...both], [["x", { name: "x2", channels: [3, 1], factors: Float32Array.of(4, 6) }]]);
  assert.deepEqual(followed(both, third).get("x"), {
    name: "x3",
    channels: [1],
    factors: Float32Array.of(6),
  });
});

test("it does not matter which of three rewrites are joined first", () => {
  const a = of(["x", { name: "y", channels: [4, 2, 0], factors: Float32Array.of(1, 2, 4) }]);
  const b = of(["y", { name: "z", factors: Float32Array.of(8, 16, 32) }]);
  const c = of(["z", { name: "w", channels: [2, 0] }]);
  assert.deepEqual(followed(followed(a, b), c), followed(a, followed(b, c)));
});

test("where nothing changed every value is its own counterpart", () => {
  const same = sameValues(chain());
  assert.deepEqual([...same.keys()], ["x", "a", "b", "y"]);
  assert.deepEqual(followed(same, same), same);
});
