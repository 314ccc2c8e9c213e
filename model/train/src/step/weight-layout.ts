/**
 * The memory layout of a weight in a training step. A convolution's axes [filters, channels, taps] may be in another
 * order than in the network (see `rows/convolution.ts`); every other weight has the same layout in both.
 */
import type { Dims } from "@cupel/onnx";

export interface WeightLayout {
  /** The three axes of the network's order; for anything but a convolution's weight, null. */
  readonly axes: readonly [number, number, number] | null;
  /** For each axis as stored, the axis of the network. */
  readonly permutation: readonly [number, number, number];
  /** As stored. */
  readonly dims: Dims;
}

/** From the network's order into the step's. */
export function toStepLayout(values: Float32Array, layout: WeightLayout): Float32Array {
  return layout.axes ? permuted(values, layout.axes, layout.permutation) : values.slice();
}

/** From the step's order into the network's. */
export function toNetworkLayout(values: Float32Array, { axes, permutation }: WeightLayout): Float32Array {
  if (!axes) return values;
  const stored = permutation.map((axis) => axes[axis]!) as [number, number, number];
  const inverse = [0, 1, 2].map((axis) => permutation.indexOf(axis)) as [number, number, number];
  return permuted(values, stored, inverse);
}

function permuted(
  values: Float32Array,
  dims: readonly [number, number, number],
  permutation: readonly [number, number, number],
): Float32Array {
  const strides = [dims[1] * dims[2], dims[2], 1];
  const [a, b, c] = permutation.map((axis) => dims[axis]!) as [number, number, number];
  const [strideA, strideB, strideC] = permutation.map((axis) => strides[axis]!) as [number, number, number];
  const result = new Float32Array(values.length);
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      let from = i * strideA + j * strideB;
      for (let k = 0; k < c; k++, from += strideC) result[at++] = values[from]!;
    }
  }
  return result;
}
