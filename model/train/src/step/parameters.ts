/** Which constants of a network are trained, by the operator that reads them and at which input. */
import type { Model, Value } from "@cupel/onnx";

const trainedInputs: Readonly<Record<string, readonly number[]>> = {
  Add: [0, 1],
  BatchNormalization: [1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gather: [0],
  Gemm: [1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  Mul: [0, 1],
  PRelu: [1],
  RMSNormalization: [1],
};

/** A single number in Add or Mul is part of a formula (a half, an epsilon), not something learned. */
const formulaOperators = new Set(["Add", "Mul"]);

/** Float constants that training may change, in file order. */
export function trainableConstants(model: Model): Value[] {
  return [...model.graph.initializers].filter(
    (value) =>
      value.constant?.type === "float32" &&
      value.uses.some(
        ({ node, index }) =>
          node.isStandard &&
          trainedInputs[node.opType]?.includes(index) &&
          !(formulaOperators.has(node.opType) && value.constant!.size === 1),
      ),
  );
}

/** Running means and variances of BatchNormalization: training replaces them, but not by gradients. */
export function runningStatistics(model: Model): Set<Value> {
  const statistics = new Set<Value>();
  for (const node of model.graph.nodes) {
    if (!node.is("BatchNormalization")) continue;
    for (const input of [node.input(3), node.input(4)]) if (input?.constant) statistics.add(input);
  }
  return statistics;
}
