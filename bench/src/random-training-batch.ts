/** Noise with labels, to measure how long a training step takes and not what it learns. */
import { createRandom } from "@cupel/base";
import type { StepBatch } from "@cupel/train";

/** @param dims of the batch */
export function randomTrainingBatch(dims: readonly number[], classes: number): StepBatch {
  const random = createRandom(1);
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1)).map(() => random.normal());
  return {
    inputs: { input: { type: "float32", dims, data } },
    labels: Int32Array.from({ length: dims[0]! }, (_, index) => index % classes),
  };
}
