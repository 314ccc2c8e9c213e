/**
 * Shape rules and evaluation against ONNX's own conformance suite (fixtures/operators.jsonl): each case is
 * run once with its small inputs as constants and once with all inputs open.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tensorFrom } from "../src/evaluate/elements.ts";
import {
  type Attribute,
  attribute,
  bytesOf,
  elementTypeOf,
  elementTypes,
  Model,
  type Tensor,
  tensorType,
  Value,
} from "../src/index.ts";
import { propagate } from "../src/infer/propagate.ts";
import { operatorOf } from "../src/shape/operators.ts";
import { fixtureLines } from "./support/files.ts";

interface TensorRow {
  readonly type: number;
  readonly dims: number[];
  readonly cells: string[] | null;
}

type AttributeRow =
  | ["float", number]
  | ["int", number]
  | ["string", string]
  | ["floats", number[]]
  | ["ints", number[]]
  | ["strings", string[]]
  | ["tensor", TensorRow];

interface Case {
  readonly name: string;
  readonly opset: number;
  readonly op: string;
  readonly attributes: Readonly<Record<string, AttributeRow>>;
  readonly inputs: readonly (TensorRow | null)[];
  readonly outputs: readonly (TensorRow | null)[];
}

function tensorOf(row: TensorRow): Tensor | null {
  const type = elementTypeOf(row.type)!;
  if (!row.cells) return null;
  const isFloat = /float/.test(type);
  return tensorFrom({
    type,
    dims: row.dims,
    cells: row.cells.map((cell) => (isFloat ? number(cell) : BigInt(cell))),
  });
}

/** Python writes `inf` and `nan`. */
function number(cell: string): number {
  return Number(cell.replace("inf", "Infinity").replace("nan", "NaN"));
}

function attributeOf(row: AttributeRow): Attribute {
  switch (row[0]) {
    case "float":
      return attribute.float(row[1]);
    case "int":
      return attribute.int(row[1]);
    case "string":
      return attribute.string(row[1]);
    case "floats":
      return attribute.floats(row[1]);
    case "ints":
      return attribute.ints(row[1]);
    case "strings":
      return { kind: "strings", value: row[1] };
    case "tensor":
      return attribute.tensor(tensorOf(row[1])!);
  }
}

function modelOfCase(each: Case, asConstants: boolean): Model {
  const model = new Model({ irVersion: 10, opsets: new Map([["", each.opset]]) });
  const inputs = each.inputs.map((row, index) => {
    if (!row) return null;
    const held = asConstants ? tensorOf(row) : null;
    if (held) return model.graph.addConstant(`in${index}`, held);
    const value = new Value(`in${index}`, tensorType(elementTypeOf(row.type)!, row.dims));
    model.graph.inputs.push(model.graph.add(value));
    return value;
  });
  const attributes = Object.fromEntries(
    Object.entries(each.attributes).map(([name, row]) => [name, attributeOf(row)]),
  );
  const made = model.graph.append({
    opType: each.op,
    inputs,
    outputs: each.outputs.map((row, index) => (row ? `out${index}` : "")),
    attributes,
  });
  model.graph.outputs.push(...made.outputs.filter((output) => output.name !== ""));
  return model;
}

/** The outputs the case has, each with what is expected of it. */
function pairsOf(model: Model, each: Case): [Value, TensorRow][] {
  const expected = each.outputs.filter((row) => row !== null);
  return model.graph.outputs.map((output, index) => [output, expected[index]!]);
}

const cases = fixtureLines<Case>("operators.jsonl");
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
