/**
 * Every operator that docs/operators.md calls computed ahead is folded into the value that onnx's reference evaluator
 * gives (fixtures/evaluated.jsonl). One that is not folded at all fails here too.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tensorFrom } from "../src/evaluate/elements.ts";
import { evaluatedOperators } from "../src/evaluate/evaluate.ts";
import { elementTypeOf, foldConstants, type Model, type Tensor } from "../src/index.ts";
import { propagate } from "../src/infer/propagate.ts";
import { fixtureLines } from "./support/files.ts";
import { modelOfCase, number, type OperatorCase, type TensorRow } from "./support/operator-case.ts";

const cases = fixtureLines<OperatorCase>("evaluated.jsonl");

/** Some node outside Cupel's knowledge reads every output: outputs of the model itself are not folded. */
function read(model: Model) {
  const outputs = model.graph.outputs.splice(0);
  const reader = model.graph.append({ opType: "Read", domain: "test", inputs: outputs });
  model.graph.outputs.push(reader.output);
  return reader;
}

function assertEqual(tensor: Tensor | null | undefined, wanted: TensorRow, name: string): void {
  assert.ok(tensor, `${name} is not known`);
  assert.equal(tensor.type, elementTypeOf(wanted.type), `${name}: element type`);
  assert.deepEqual(tensor.dims, wanted.dims, `${name}: shape`);
  assert.ok(wanted.cells, `${name}: the fixture has no values`);
  const isFloat = /float/.test(tensor.type);
  const cells = isFloat ? tensor.toNumbers() : tensor.toBigInts();
  assert.deepEqual(
    [...cells],
    wanted.cells.map((cell) => (isFloat ? number(cell) : BigInt(cell))),
    name,
  );
}

test("the reference has cases of every operator that is computed ahead, and of no other", () => {
  assert.deepEqual(new Set(cases.map(({ op }) => op)), evaluatedOperators);
});

test("shape inference knows the contents too", () => {
  for (const each of cases) {
    const model = modelOfCase(each, true);
    const { contents } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: true });
    model.graph.outputs.forEach((output, index) => {
      const held = contents.get(output);
      assertEqual(held && tensorFrom(held), each.outputs[index]!, each.name);
    });
  }
});

describe("computed ahead from constants, to the bit as the reference does", () => {
  for (const op of new Set(cases.map((each) => each.op))) {
    test(op, () => {
      for (const each of cases.filter((other) => other.op === op)) {
        const model = modelOfCase(each, true);
        const reader = read(model);
        foldConstants.run(model);
        assert.equal(model.graph.nodes.length, 1, `${each.name} is still a node`);
        each.outputs.forEach((wanted, index) => {
          if (wanted) assertEqual(reader.input(index)?.constant, wanted, each.name);
        });
      }
    });
  }
});
