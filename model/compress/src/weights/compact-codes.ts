/**
 * Codes as they lie in a file, for who holds every width of every layer at once: a search needs those of one layer at a
 * time. `codes` unpacks them anew each time it is read.
 */
import { packIntegers } from "@cupel/onnx";
import type { QuantisedWeights } from "./quantised-weights.ts";

export function compactCodes(weights: QuantisedWeights): QuantisedWeights {
  const { bits, codes, levels, uniform, scales, rows, columns, blocks } = weights;
  if (bits === 8) return weights;
  const count = codes.length;
  // Of 6, 5 and 3 bits the upper part lies in a plane of its own: planes are of 4 and 2 bits, a bit alone takes a half of two.
  const low = bits >= 4 ? 4 : 2;
  const high = bits > 4 || bits === 3 ? 2 : 0;
  const lowPlane = packIntegers(
    codes.map((code) => code & (2 ** low - 1)),
    low,
  );
  const highPlane =
    high === 0
      ? null
      : packIntegers(
          codes.map((code) => code >> low),
          high,
        );
  return {
    bits,
    levels,
    uniform,
    scales,
    rows,
    columns,
    blocks,
    get codes() {
      const unpacked = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        unpacked[i] =
          fieldAt(lowPlane, i, low) | (highPlane === null ? 0 : fieldAt(highPlane, i, high) << low);
      }
      return unpacked;
    },
  };
}

function fieldAt(plane: Uint8Array, i: number, width: number): number {
  const perByte = 8 / width;
  return (plane[Math.floor(i / perByte)]! >> ((i % perByte) * width)) & (2 ** width - 1);
}
