/** Scores as probabilities, for models that end in a Softmax and for those that do not. */
import type { Model } from "@cupel/onnx";

/** How far from 1 the sum of a row of probabilities may be: half-precision Softmax is off by this much. */
const tolerance = 1e-3;

/** Operators that change the form of probabilities, not their meaning. */
const passesThrough = [
  "Identity",
  "Cast",
  "Flatten",
  "Reshape",
  "Squeeze",
  "QuantizeLinear",
  "DequantizeLinear",
] as const;

/** Whether the graph makes probabilities of its first output. */
export function endsInSoftmax({ graph }: Model): boolean {
  let last = graph.outputs[0]?.producer ?? null;
  while (last?.is(...passesThrough)) last = last.inputs[0]?.producer ?? null;
  return last?.is("Softmax") ?? false;
}

/** Are the rows probabilities already: no value negative, each row's sum 1? */
export function areProbabilities(scores: Float32Array, classes: number): boolean {
  if (scores.length === 0) return false;
  for (let start = 0; start < scores.length; start += classes) {
    let sum = 0;
    for (let c = start; c < start + classes; c++) {
      if (!(scores[c]! >= 0)) return false;
      sum += scores[c]!;
    }
    if (Math.abs(sum - 1) > tolerance) return false;
  }
  return true;
}

/** The softmax of a row, at any index. Shifted by the largest score, so that nothing overflows. */
export function softmaxOf(row: Float32Array): (index: number) => number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, row[i]!);
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - largest);
  return (index) => Math.exp(row[index]! - largest) / sum;
}

/** Of one index alone. */
export function softmaxAt(row: Float32Array, index: number): number {
  return softmaxOf(row)(index);
}
