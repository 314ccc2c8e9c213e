/**
 * Codes for who holds every width of every layer at once: a search needs those of one layer at a time. They lie packed in
 * memory, or of a large model in a file, and `codes` has them made or read anew each time it is asked for.
 */
import { packIntegers, type WeightFolder } from "@cupel/onnx";
import type { QuantisedWeights, WeightBits } from "./quantised-weights.ts";

/** @param folder of a large model. */
export async function compactCodes(
  weights: QuantisedWeights,
  folder: WeightFolder | null,
): Promise<QuantisedWeights> {
  const { codes } = weights;
  if (folder !== null) return withCodes(weights, await folder.keepBytes(codes));
  if (weights.bits === 8) return weights;
  return withCodes(weights, packed(codes, weights.bits));
}

/** The same with its codes in memory, whatever becomes of a folder. */
export function plainCodes(weights: QuantisedWeights): QuantisedWeights {
  return { ...weights, codes: weights.codes };
}

function withCodes(weights: QuantisedWeights, read: () => Uint8Array): QuantisedWeights {
  const { codes: _, ...others } = weights;
  return {
    ...others,
    get codes() {
      return read();
    },
  };
}

function packed(codes: Uint8Array, bits: Exclude<WeightBits, 8>): () => Uint8Array {
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
  return () => {
    const unpacked = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      unpacked[i] = fieldAt(lowPlane, i, low) | (highPlane === null ? 0 : fieldAt(highPlane, i, high) << low);
    }
    return unpacked;
  };
}

function fieldAt(plane: Uint8Array, i: number, width: number): number {
  const perByte = 8 / width;
  return (plane[Math.floor(i / perByte)]! >> ((i % perByte) * width)) & (2 ** width - 1);
}
