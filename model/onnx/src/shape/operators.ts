/** Every operator Cupel understands, by kind. docs/operators.md is checked against this table. */
import { own } from "@cupel/base";
import type { Node } from "../graph/index.ts";
import { convolutionOperators } from "./convolution.ts";
import { controlOperators, creationOperators } from "./creation.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { indexingOperators } from "./indexing.ts";
import { linearAlgebraOperators } from "./linear-algebra.ts";
import { movementOperators } from "./movement.ts";
import { normalisationOperators } from "./normalisation.ts";
import { poolingOperators } from "./pooling.ts";
import { quantisationOperators } from "./quantisation.ts";
import { recurrenceOperators } from "./recurrence.ts";
import { lossOperators, reductionOperators } from "./reduction.ts";
import { reshapingOperators } from "./reshaping.ts";
import { resizingOperators } from "./resizing.ts";
import { many, type Operator, type OperatorTable } from "./rule.ts";

export const operatorKinds = {
  convolution: convolutionOperators,
  pooling: poolingOperators,
  elementwise: elementwiseOperators,
  "linear algebra": linearAlgebraOperators,
  reshaping: reshapingOperators,
  movement: movementOperators,
  indexing: indexingOperators,
  resizing: resizingOperators,
  reduction: reductionOperators,
  normalisation: normalisationOperators,
  quantisation: quantisationOperators,
  creation: creationOperators,
  recurrence: recurrenceOperators,
  loss: lossOperators,
  control: controlOperators,
} as const satisfies Record<string, OperatorTable>;

/** Works element by element on one tensor: the layout does not matter. Other inputs, if any, are settings. */
export function isElementwise(node: Node): boolean {
  const rows: OperatorTable = operatorKinds.elementwise;
  const row = node.isStandard ? own(rows, node.opType) : undefined;
  return row?.inputs[0] === 1 && row.inputs[1] < many && row.outputs[1] === 1;
}

const byName = new Map<string, Operator>(
  Object.values(operatorKinds).flatMap((kind) => Object.entries(kind)),
);

/** The row of an operator of the standard domain; undefined for one the table does not have. */
export function operatorOf(opType: string): Operator | undefined {
  return byName.get(opType);
}
