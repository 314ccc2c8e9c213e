/** Whether the graph makes independent probabilities of its first output. */
import type { Model } from "@cupel/onnx";

/** Operators that change the form or the size of an output, not the meaning of its values. */
const passesThrough = [
  "Identity",
  "Cast",
  "Flatten",
  "Reshape",
  "Resize",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "QuantizeLinear",
  "DequantizeLinear",
] as const;

export function endsInSigmoid({ graph }: Model): boolean {
  let last = graph.outputs[0]?.producer ?? null;
  while (last?.is(...passesThrough)) last = last.inputs[0]?.producer ?? null;
  return last?.is("Sigmoid", "HardSigmoid") ?? false;
}
