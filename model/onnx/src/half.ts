/** 16-bit floats to float32: IEEE 754 binary16, and bfloat16 (the upper half of a float32). */

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
