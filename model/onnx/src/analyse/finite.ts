/**
 * Weights that are no numbers. One NaN in a weight makes every figure measured later NaN, so that the
 * commands that measure refuse such a model before they start.
 *
 * NaN is wrong in any constant. Infinity is wrong in a weight (what multiplies or normalises data) but
 * legitimate elsewhere: an attention mask holds -Infinity, a Clip may be open at one end.
 */

import { onnxErrors } from "../errors.ts";
import {
  type ElementType,
  type Graph,
  type Model,
  subgraphsOf,
  type Tensor,
  type Value,
} from "../graph/index.ts";
import { operatorFacts } from "../operator/operator-facts.ts";

export interface NonFinite {
  /** Name of the value that holds it. */
  readonly value: string;
  /** Position in row-major order. */
  readonly index: number;
  readonly what: "NaN" | "Infinity" | "-Infinity";
}

const floatTypes = new Set<ElementType>(["float32", "float64", "float16", "bfloat16"]);

/** The first constant element that no model should have, in file order; null when all are sound. */
export function findNonFinite(model: Model): NonFinite | null {
  return findIn(model.graph);
}

/** @throws WEIGHT_NOT_FINITE */
export function assertFiniteWeights(model: Model): void {
  const found = findNonFinite(model);
  if (!found) return;
  throw onnxErrors.error(
    "WEIGHT_NOT_FINITE",
    `The weight "${found.value}" is ${found.what} at element ${found.index}. ` +
      "Training has probably diverged: export an earlier checkpoint.",
    { details: { ...found } },
  );
}

function findIn(graph: Graph): NonFinite | null {
  for (const value of graph.initializers) {
    const found = value.constant && scan(value, value.constant);
    if (found) return found;
  }
  for (const node of graph.nodes) {
    const held = node.is("Constant") ? node.tensor("value") : null;
    const found = held && scan(node.output, held);
    if (found) return found;
    for (const body of subgraphsOf(node)) {
      const inside = findIn(body);
      if (inside) return inside;
    }
  }
  return null;
}

function scan(value: Value, tensor: Tensor): NonFinite | null {
  if (!floatTypes.has(tensor.type)) return null;
  const isWeight = value.uses.some((use) => operatorFacts(use.node).weights !== undefined);
  const elements = tensor.type === "float64" ? tensor.toNumbers() : tensor.toFloat32();
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index]!;
    if (Number.isFinite(element)) continue;
    if (Number.isNaN(element)) return { value: value.name, index, what: "NaN" };
    if (isWeight) return { value: value.name, index, what: element > 0 ? "Infinity" : "-Infinity" };
  }
  return null;
}
