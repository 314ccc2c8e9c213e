/**
 * Batch normalisation of rows in training mode (Ioffe and Szegedy 2015): every channel, a column here, gets
 * mean 0 and variance 1 over the batch, then a trained scale and offset.
 *
 * Means over columns are products with a row of 1/n, which the engine computes several times faster than
 * its reduction over the first axis. Both directions are affine in the data, a scale and an offset a
 * column, so that each costs two or three passes over it. The data is shifted first: the difference of squares below then
 * loses no digits where a column lies far from 0 (Chan, Golub and LeVeque 1983). The shift k need only be near the mean, so
 * it is that of some rows; of the variance 1 + z^2 roundings are lost where it is z deviations away.
 *
 *   d  = x - k
 *   y  = a d + (beta - a m),   a = gamma i,  i = 1 / sqrt(v + epsilon),  m = mean d,  v = mean d^2 - m^2
 *   dx = a dy + b d + c,       b = -a i^2 t,  c = -a s - b m,  s = mean dy,  t = mean (dy d) - s m
 *   dgamma = n i t,            dbeta = n s,                    mean x = k + m
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
    const k = shiftOf(emit, x);
    const d = emit.sub(x, k);
    const m = meanOf(d);
    // Rounding may leave a little less than nothing of a column that does not vary.
    const v = emit.op("Relu", [emit.sub(meanOf(emit.mul(d, d)), emit.mul(m, m))]);
    const i = emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(v, epsilon)])]);
    const a = emit.mul(gamma, i);
    return {
      outputs: [emit.add(emit.mul(d, a), emit.sub(beta, emit.mul(a, m))), emit.add(k, m), v],
      // The statistics lead to no loss: only y has an incoming gradient.
      backward([dy]) {
        const s = meanOf(dy!);
        const t = emit.sub(meanOf(emit.mul(dy!, d)), emit.mul(s, m));
        const it = emit.mul(i, t);
        const b = emit.neg(emit.mul(emit.mul(a, i), it));
        const c = emit.add(emit.mul(a, s), emit.mul(b, m));
        const dx = emit.add(emit.mul(dy!, a), emit.sub(emit.mul(d, b), c));
        const columns = emit.dims(gamma);
        return [dx, emit.reshape(emit.mul(it, n), columns), emit.reshape(emit.mul(s, n), columns)];
      },
    };
  });
  return { y: y!, mean: mean!, variance: variance! };
}

/** Rows that tell where a column lies: of so many, one far from the others counts for little. */
const sampled = 256;

/** `[1, C]`, the mean of rows at equal distances. */
function shiftOf(emit: Emitter, x: Value): Value {
  const n = emit.dims(x)[0]!;
  const count = Math.min(n, sampled);
  const step = Math.floor(n / count);
  const rows = emit.slice(x, [0], [step * (count - 1) + 1], [0], [step]);
  return emit.matMul(emit.filled([1, count], 1 / count), rows);
}
