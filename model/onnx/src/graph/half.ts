/** 16-bit floats to float32 and back: IEEE 754 binary16, and bfloat16 (the upper half of a float32). */

export function readFloat16(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) floats[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) floats[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else floats[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return floats;
}

export function readBfloat16(halves: Uint16Array): Float32Array {
  const bits = Uint32Array.from(halves, (half) => (half << 16) >>> 0);
  return new Float32Array(bits.buffer);
}

/** The nearest binary16, ties to even; beyond the largest, infinity. */
export function writeFloat16(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from({ length: values.length }, (_, i) => float16Bits(values[i]!));
}

function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // 65520 lies half way between the largest half, 65504, and what would come next.
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  // The fraction with its leading 1 as an integer; a carry out of it moves into the exponent by itself.
  const fraction = roundHalfToEven(size * 2 ** (10 - exponent));
  return sign | (((exponent + 14) << 10) + fraction);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The nearest bfloat16, ties to even. */
export function writeBfloat16(values: ArrayLike<number>): Uint16Array {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, (each, i) =>
    Number.isNaN(values[i]!) ? 0x7fc0 : (each + 0x7fff + ((each >>> 16) & 1)) >>> 16,
  );
}
