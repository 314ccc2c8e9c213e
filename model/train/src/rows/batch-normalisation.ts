/**
 * Batch normalisation of rows in training mode (Ioffe and Szegedy 2015): every channel, a column here, gets
 * mean 0 and variance 1 over the batch, then a trained scale and offset.
 *
 * Sums over columns are products with a row of ones, which the engine computes several times faster than
 * its reduction over the first axis. Both directions are affine in the data, a scale and an offset a
 * column, so that each costs two or three passes over it:
 *
 *   y  = a x + (beta - a mean),              a = gamma / sqrt(variance + epsilon)
 *   dx = a dy + b x + c,                     b = -a s2 / n, c = -a s1 / n - b mean
 *   s1 = sum dy,  s2 = sum dy (x - mean) / (variance + epsilon)
 *   dgamma = sum dy (x - mean) / sqrt(variance + epsilon),  dbeta = s1
 */
import type { Value } from "@cupel/onnx";
import type { Emitter } from "../emitter.ts";

export interface NormalisedRows {
  readonly y: Value;
  /** `[1, C]`, over this batch. */
  readonly mean: Value;
  /** `[1, C]`, over this batch, divided by n: the biased estimate. */
  readonly variance: Value;
}

/** @param x `[n, C]`; `gamma` and `beta` are `[C]` */
export function rowsBatchNormalisation(
  emit: Emitter,
  x: Value,
  gamma: Value,
  beta: Value,
  epsilon: number,
): NormalisedRows {
  const n = emit.dims(x)[0]!;
  const ones = emit.filled([1, n], 1);
  const sum = (rows: Value) => emit.matMul(ones, rows);
  const [y, mean, variance] = emit.composite([x, gamma, beta], () => {
    const mean = emit.mul(sum(x), 1 / n);
    const square = emit.mul(sum(emit.mul(x, x)), 1 / n);
    const variance = emit.op("Relu", [emit.sub(square, emit.mul(mean, mean))]);
    const inverse = emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(variance, epsilon)])]);
    const a = emit.mul(gamma, inverse);
    const y = emit.add(emit.mul(x, a), emit.sub(beta, emit.mul(a, mean)));
    return {
      outputs: [y, mean, variance],
      backward([dy]) {
        // The statistics lead to no loss: only y has an incoming gradient.
        const s1 = sum(dy!);
        const s2 = emit.sub(sum(emit.mul(dy!, x)), emit.mul(s1, mean));
        const dgamma = emit.mul(s2, inverse);
        const b = emit.mul(emit.mul(a, emit.mul(s2, emit.mul(inverse, inverse))), -1 / n);
        const c = emit.sub(emit.mul(emit.mul(a, s1), -1 / n), emit.mul(b, mean));
        const dx = emit.add(emit.mul(dy!, a), emit.add(emit.mul(x, b), c));
        const columns = emit.dims(gamma);
        return [dx, emit.reshape(dgamma, columns), emit.reshape(s1, columns)];
      },
    };
  });
  return { y: y!, mean: mean!, variance: variance! };
}
