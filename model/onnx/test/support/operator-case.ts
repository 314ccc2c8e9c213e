/**
 * Cases of one node each in the fixtures: inputs, and what a peer says of the outputs. A case becomes a model, its
 * small inputs as constants or all inputs open.
 */
import { tensorFrom } from "../../src/evaluate/elements.ts";
import {
  type Attribute,
  attribute,
  elementTypeOf,
  Model,
  type Tensor,
  tensorType,
  Value,
} from "../../src/index.ts";

export interface TensorRow {
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

export interface OperatorCase {
  readonly name: string;
  readonly opset: number;
  readonly op: string;
  readonly attributes: Readonly<Record<string, AttributeRow>>;
  readonly inputs: readonly (TensorRow | null)[];
  readonly outputs: readonly (TensorRow | null)[];
}

export function tensorOf(row: TensorRow): Tensor | null {
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
export function number(cell: string): number {
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

export function modelOfCase(each: OperatorCase, asConstants: boolean): Model {
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
export function pairsOf(model: Model, each: OperatorCase): [Value, TensorRow][] {
  const expected = each.outputs.filter((row) => row !== null);
  return model.graph.outputs.map((output, index) => [output, expected[index]!]);
}
