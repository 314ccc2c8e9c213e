/**
 * The last layer in closed form: features are standardised, a ridge regression on the classes as 0 and 1
 * is solved, and the standardisation is folded back into weights and bias.
 */
import { float32Of, type TensorData } from "@cupel/runtime";
import { crossProduct, gram, matrix, meanDiagonal, solvePositive, withRidge } from "./ridge-regression.ts";

/** Share of the mean feature's energy. */
const ridgeShare = 0.1;

/**
 * Regression answers lie between 0 and 1; a softmax over them would call every answer a guess. This scale
 * brings them to the size of the logits of a trained network. The order of the classes is the same.
 */
const sharpness = 8;

export interface LastLayer {
  /** [classes, features] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** @param features [N, D] */
export function solveLastLayer(features: TensorData, labels: Int32Array, classes: number): LastLayer {
  const [count = 0, size = 0] = features.dims;
  const values = float32Of(features);
  const mean = new Float64Array(size);
  const deviation = new Float64Array(size);
  for (let i = 0; i < values.length; i++) mean[i % size]! += values[i]! / count;
  for (let i = 0; i < values.length; i++) deviation[i % size]! += (values[i]! - mean[i % size]!) ** 2 / count;
  // A feature that never answers has no deviation, and gets no say.
  for (let j = 0; j < size; j++) deviation[j] = Math.sqrt(deviation[j]!) || Number.POSITIVE_INFINITY;

  const x = matrix(
    count,
    size,
    Float64Array.from(values, (value, i) => (value - mean[i % size]!) / deviation[i % size]!),
  );
  const y = matrix(count, classes);
  const average = 1 / classes;
  labels.forEach((label, n) => {
    for (let c = 0; c < classes; c++) y.values[n * classes + c] = (c === label ? 1 : 0) - average;
  });
  const squares = gram(x);
  const solved = solvePositive(withRidge(squares, ridgeShare * meanDiagonal(squares)), crossProduct(x, y));

  const weights = new Float32Array(classes * size);
  const bias = new Float32Array(classes);
  for (let c = 0; c < classes; c++) {
    let shift = average;
    for (let j = 0; j < size; j++) {
      const weight = solved.values[j * classes + c]! / deviation[j]!;
      weights[c * size + j] = sharpness * weight;
      shift -= weight * mean[j]!;
    }
    bias[c] = sharpness * shift;
  }
  return { weights, bias };
}
