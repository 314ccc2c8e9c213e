/** How near the outputs of a compressed model are to those of the original. Pure. */
import { Tensor } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";

/** Outputs of one run, as numbers. */
export type Outputs = readonly Float32Array[];

/** Beyond this, two float models differ by rounding alone. */
export const mostDb = 120;

/**
 * Signal to noise of each output over all images, `10 log10(sum x^2 / sum (x - y)^2)`, and the mean of the outputs, in dB.
 * Null where an output has another number of values: a list of found objects cannot be subtracted from another.
 */
export function sqnrOf(original: readonly Outputs[], other: readonly Outputs[]): number | null {
  const outputs = original[0]?.length ?? 0;
  let sum = 0;
  for (let i = 0; i < outputs; i++) {
    let signal = 0;
    let noise = 0;
    for (const [image, values] of original.entries()) {
      const x = values[i]!;
      const y = other[image]?.[i];
      if (y?.length !== x.length) return null;
      for (let k = 0; k < x.length; k++) {
        signal += x[k]! ** 2;
        noise += (x[k]! - y[k]!) ** 2;
      }
    }
    sum += decibels(signal, noise);
  }
  return outputs === 0 ? null : sum / outputs;
}

/** A value that is not finite is as wrong as can be. */
function decibels(signal: number, noise: number): number {
  if (noise === 0) return mostDb;
  const db = 10 * Math.log10(signal / noise);
  return Number.isNaN(db) ? -mostDb : Math.max(-mostDb, Math.min(mostDb, db));
}

export function numbersOf({ type, dims, data }: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  return Tensor.fromBytes(
    type,
    dims,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ).toFloat32();
}
