/**
 * Shape rules and evaluation against ONNX's own conformance suite (fixtures/operators.jsonl) and onnx's reference
 * evaluator and shape inference: each case is run once with its small inputs as constants and once with all inputs
 * open.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tensorFrom } from "../src/evaluate/elements.ts";
import { isStatic } from "../src/graph/value-type.ts";
import { bytesOf, elementTypes } from "../src/index.ts";
import { propagate } from "../src/infer/propagate.ts";
import { operatorOf } from "../src/shape/operators.ts";
import { fixtureLines } from "./support/files.ts";
import { modelOfCase, number, type OperatorCase, pairsOf } from "./support/operator-case.ts";

const cases = ["operators.jsonl", "evaluated.jsonl", "inferred.jsonl"].flatMap((name) =>
  fixtureLines<OperatorCase>(name),
);
const known = cases.filter((each) => operatorOf(each.op));

test("the suite covers the table", () => {
  assert.ok(known.length > 600, `${known.length} cases`);
  assert.ok(new Set(known.map((each) => each.op)).size > 110);
});

for (const asConstants of [true, false]) {
  test(`shapes and types are those the suite expects (${asConstants ? "constants" : "open inputs"})`, () => {
    let complete = 0;
    for (const each of known) {
      const model = modelOfCase(each, asConstants);
      const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: true });
      for (const [output, wanted] of pairsOf(model, each)) {
        const type = types.get(output);
        if (type?.kind !== "tensor") continue;
        assert.equal(elementTypes[type.elementType].code, wanted.type, `${each.name}: element type`);
        if (type.shape === null) continue;
        const isTrue =
          type.shape.length === wanted.dims.length &&
          type.shape.every((size, axis) => size === null || size === wanted.dims[axis]);
        assert.ok(isTrue, `${each.name}: [${type.shape}] is not [${wanted.dims}]`);
        if (!type.shape.includes(null)) complete++;
      }
    }
    // Regressions that only lose knowledge show here.
    assert.ok(complete > (asConstants ? 680 : 600), `${complete} shapes known in full`);
  });
}

/** Sizes that show only when the model runs; an ellipsis in Einsum is not followed. Of all others the suite's are known. */
const open: Readonly<Record<string, readonly string[]>> = {
  Compress: ["[?,2]", "[3,?]", "[?]", "[3,?]"],
  Einsum: ["of unknown rank"],
  NonMaxSuppression: Array.from({ length: 8 }, () => "[?,3]"),
  NonZero: ["[2,?]"],
};

test("every operator's shapes are known in full when its small inputs are constants, apart from those named", () => {
  const unknown: Record<string, string[]> = {};
  for (const each of known) {
    const model = modelOfCase(each, true);
    const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: true });
    for (const [output] of pairsOf(model, each)) {
      const type = types.get(output);
      if (type?.kind === "tensor" && isStatic(type.shape)) continue;
      const shape = type?.kind === "tensor" ? type.shape : null;
      const text = shape ? `[${shape.map((size) => size ?? "?")}]` : "of unknown rank";
      unknown[each.op] = [...(unknown[each.op] ?? []), text];
    }
  }
  assert.deepEqual(unknown, open);
});

test("what is computed ahead is what the suite expects", () => {
  let compared = 0;
  for (const each of known) {
    const model = modelOfCase(each, true);
    const { contents } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: true });
    for (const [output, { cells: wanted }] of pairsOf(model, each)) {
      const held = contents.get(output);
      if (!held || !wanted || held.cells.includes(null)) continue;
      for (const [i, cell] of held.cells.entries()) {
        const text: string = wanted[i]!;
        if (typeof cell === "bigint") assert.equal(String(cell), text, each.name);
        else
          assert.ok(
            Object.is(cell, number(text)) ||
              Math.abs(Number(cell) - number(text)) <= 1e-6 * Math.abs(number(text)),
            `${each.name}: ${cell} is not ${text}`,
          );
      }
      compared++;
    }
  }
  assert.ok(compared > 90, `${compared} outputs`);
});

test("bytes written for computed elements are those of the type", () => {
  const tensor = tensorFrom({ type: "int16", dims: [2], cells: [-2n, 300n] });
  assert.deepEqual(tensor?.bytes(), bytesOf(Int16Array.of(-2, 300)));
});
