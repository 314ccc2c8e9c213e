/**
 * Weights in few bits: w[o, k] = scale[o] * levels[code[o, k]] (* multiplier[o, block of k]).
 *
 * `levels` are int8, so that the engine's INT8 kernels run what a code stands for, however few bits the
 * code itself takes in the file. Uniform levels are plain integers; fitted ones follow the distribution
 * of the weights (Lloyd and Max).
 */
export const weightBits = [8, 6, 5, 4, 3, 2] as const;
export type WeightBits = (typeof weightBits)[number];

export interface QuantisedWeights {
  readonly bits: WeightBits;
  /** [O, K], each in [0, 2^bits). */
  readonly codes: Uint8Array;
  /** What each code stands for; at most 2^bits entries, ascending. */
  readonly levels: Int8Array;
  /** True when `levels` are consecutive integers centred on zero. */
  readonly uniform: boolean;
  /** [O] */
  readonly scales: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** Scales within a row, as small integers on the row's own: [O, K / size], or null. */
  readonly blocks: { readonly size: number; readonly multipliers: Uint8Array } | null;
}

/**
 * Consecutive integers: -8..7 at 4 bits, -2..1 at 2, and symmetric at 8: -127..127, or -63..63 when
 * `maxLevel` is 63.
 */
export function uniformLevels(bits: WeightBits, maxLevel: 127 | 63 = 127): Int8Array {
  if (bits === 8) return Int8Array.from({ length: 2 * maxLevel + 1 }, (_, code) => code - maxLevel);
  const half = 2 ** (bits - 1);
  return Int8Array.from({ length: 2 * half }, (_, code) => code - half);
}

/** The weights the quantised form stands for, [O, K]. */
export function dequantise(weights: QuantisedWeights): Float32Array {
  const { codes, levels, scales, rows, columns, blocks } = weights;
  const values = new Float32Array(codes.length);
  const size = blocks ? blocks.size : columns;
  const perRow = columns / size;
  for (let row = 0; row < rows; row++) {
    const scale = scales[row]!;
    for (let k = 0; k < columns; k++) {
      const multiplier = blocks ? blocks.multipliers[row * perRow + Math.floor(k / size)]! : 1;
      values[row * columns + k] = scale * levels[codes[row * columns + k]!]! * multiplier;
    }
  }
  return values;
}

/** Bytes in the file: codes, scales, levels and multipliers, without the graph around them. */
export function storedBytes(
  rows: number,
  columns: number,
  bits: WeightBits,
  blockSize: number | null,
): number {
  const codes = Math.ceil((rows * columns * bits) / 8);
  const multipliers = blockSize ? rows * (columns / blockSize) : 0;
  return codes + 4 * rows + (bits < 8 ? 2 ** bits : 0) + multipliers;
}
