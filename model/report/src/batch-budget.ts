/** How many images may be compared at once so that their activations stay within memory. */
import type { Value } from "@cupel/onnx";

/** Bytes of tapped activations held at one time. */
const budget = 256 * 2 ** 20;
/** One batch in the engines while the one before it is compared; two models each. */
const copies = 4;
const largestBatch = 32;
const bytesPerElement = 4;

/** @param values tapped, of one model, with inferred types. Unknown sizes count as 1. */
export function comparedBatchSize(values: readonly Value[]): number {
  const elements = values.reduce((sum, value) => sum + elementsPerImage(value), 0);
  const fitting = Math.floor(budget / (copies * bytesPerElement * Math.max(1, elements)));
  return Math.min(largestBatch, Math.max(1, fitting));
}

function elementsPerImage(value: Value): number {
  const sizes = value.shape?.slice(1) ?? [];
  return sizes.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
}
