/** Outputs that are one row of class scores an image: what tells them from others, and the scores of each image. */
import type { TensorData, ValueInfo } from "@cupel/runtime";
import { predictErrors } from "../errors.ts";
import { areNames, numbersOf } from "../written/output-numbers.ts";

/**
 * Whether an output is one row of class scores an image: `[N, C]`, or with sizes of 1 behind. The highest value of
 * a map of features, of a segmentation or of boxes is no class of the image.
 */
function isScoreRow(dims: readonly unknown[]): boolean {
  return dims.length >= 2 && dims.slice(2).every((size) => size === 1);
}

/** One number is the highest of itself, whatever the image; whole numbers are names, not scores. */
export function areScores({ dims, type }: Pick<ValueInfo, "dims" | "type">): boolean {
  return isScoreRow(dims) && dims[1] !== 1 && !areNames({ type });
}

/**
 * Views of the output, one an image. Half precision is widened.
 * @param count images. @throws OUTPUT_UNSUPPORTED
 */
export function scoreRows(name: string, tensor: TensorData, count: number): Float32Array[] {
  if (tensor.dims[0] !== count || !isScoreRow(tensor.dims)) {
    throw predictErrors.error(
      "OUTPUT_UNSUPPORTED",
      `The output "${name}" is not one row of class scores an image: its shape is [${tensor.dims}].`,
    );
  }
  const numbers = numbersOf(tensor);
  const values = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  const size = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
}
