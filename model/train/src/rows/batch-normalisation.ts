/**
 * Batch normalisation of rows in training mode (Ioffe and Szegedy 2015): every channel, a column here, gets
 * mean 0 and variance 1 over the batch, then a trained scale and offset.
 *
 * Means over columns are products with a row of 1/n, which the engine computes several times faster than
 * its reduction over the first axis. Both directions are affine in the data, a scale and an offset a
 * column, so that each costs two or three passes over it:
 *
 *   y  = a x + (beta - a m),   a = gamma i,  i = 1 / sqrt(v + epsilon),  m = mean x,  v = mean x^2 - m^2
 *   dx = a dy + b x + c,       b = -a i^2 t,  c = -a s - b m,  s = mean dy,  t = mean (dy x) - s m
 *   dgamma = n i t,            dbeta = n s
 */
import type { Emitter, Value } from "@cupel/onnx";
import { composite } from "../composite.ts";

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
  const share = emit.filled([1, n], 1 / n);
  const meanOf = (rows: Value) => emit.matMul(share, rows);
  const [y, mean, variance] = composite(emit, [x, gamma, beta], () => {
    const m = meanOf(x);
    // Rounding may leave a little less than nothing of a column that does not vary.
    const v = emit.op("Relu", [emit.sub(meanOf(emit.mul(x, x)), emit.mul(m, m))]);
    const i = emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(v, epsilon)])]);
    const a = emit.mul(gamma, i);
    return {
      outputs: [emit.add(emit.mul(x, a), emit.sub(beta, emit.mul(a, m))), m, v],
      // The statistics lead to no loss: only y has an incoming gradient.
      backward([dy]) {
        const s = meanOf(dy!);
        const t = emit.sub(meanOf(emit.mul(dy!, x)), emit.mul(s, m));
        const it = emit.mul(i, t);
        const b = emit.neg(emit.mul(emit.mul(a, i), it));
        const c = emit.add(emit.mul(a, s), emit.mul(b, m));
        const dx = emit.add(emit.mul(dy!, a), emit.sub(emit.mul(x, b), c));
        const columns = emit.dims(gamma);
        return [dx, emit.reshape(emit.mul(it, n), columns), emit.reshape(emit.mul(s, n), columns)];
      },
    };
  });
  return { y: y!, mean: mean!, variance: variance! };
}
