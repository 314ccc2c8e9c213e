/** Networks that take images of any height and width are trained at the size that the preprocessing makes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Model, tensorType } from "@cupel/onnx";
import { compileStep, fit } from "@cupel/train";
import { small, smallNetwork } from "./small-training.ts";
import { side, stripes } from "./stripes.ts";

function network(height: number | string | null, width: number | string | null, opset = 18): Model {
  const model = smallNetwork();
  model.opsets.set("", opset);
  for (const value of model.graph.values()) if (!value.constant) value.type = null;
  model.graph.inputs[0]!.type = tensorType("float32", ["N", 1, height, width]);
  model.graph.outputs[0]!.type = tensorType("float32", ["N", 3]);
  return model;
}

const trained = (model: Model) => fit(model, { ...small, train: stripes(16), batch: 8, epochs: 1 });

test("it learns what the same network of a fixed size does, and may have any size again", async () => {
  const [fixed, open] = [await trained(network(side, side)), await trained(network("H", null))];
  assert.deepEqual(
    open.history.map(({ loss }) => loss),
    fixed.history.map(({ loss }) => loss),
  );
  const sizes = open.model.graph.inputs[0]!.shape!.slice(2);
  assert.ok(
    sizes.every((size) => typeof size !== "number"),
    `${sizes}`,
  );
  assert.match(open.notes.join("\n"), new RegExp(`trained at \\[1, ${side}, ${side}\\]`));
  assert.doesNotMatch(fixed.notes.join("\n"), /trained at/);
});

test("that the operator set becomes a later one is said", async () => {
  const { notes } = await trained(network(side, "W", 13));
  assert.match(notes.join("\n"), /operator set 13 became 18/);
});

test("without a size nothing is guessed", () => {
  assert.throws(() => compileStep(network("H", "W"), { batch: 2 }), { code: "SHAPE_NOT_STATIC" });
});
