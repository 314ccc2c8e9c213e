/** Which constants of a network are trained, by the operator that reads them and at which input. */
import { own } from "@cupel/base";
import { type Model, operatorFacts, type Use, type Value } from "@cupel/onnx";
import { gradientRules } from "../gradient/rules.ts";

/** Constants that are trained beside the weights of layers: factors, offsets, embeddings. */
const trainedOperands: Readonly<Record<string, readonly number[]>> = {
  Add: [0, 1],
  Gather: [0],
  Mul: [0, 1],
};

/** A single number in Add or Mul is part of a formula (a half, an epsilon), not something learned. */
const formulaOperators = new Set(["Add", "Mul"]);

/** Float constants that training may change, in file order. */
export function trainableConstants(model: Model): Value[] {
  return [...model.graph.initializers].filter(
    (value) =>
      value.constant?.type === "float32" &&
      value.uses.some(
        (use) => isTrained(use) && !(formulaOperators.has(use.node.opType) && value.constant!.size === 1),
      ),
  );
}

function isTrained({ node, index }: Use): boolean {
  const { weights, quantised } = operatorFacts(node);
  if (weights) return !quantised && Object.hasOwn(gradientRules, node.opType) && weights.includes(index);
  return node.isStandard && own(trainedOperands, node.opType)?.includes(index) === true;
}

/** Running means and variances: training replaces them, but not by gradients. */
export function runningStatistics(model: Model): Set<Value> {
  const statistics = new Set<Value>();
  for (const node of model.graph.nodes) {
    for (const index of operatorFacts(node).statistics ?? []) {
      const input = node.input(index);
      if (input?.constant) statistics.add(input);
    }
  }
  return statistics;
}
