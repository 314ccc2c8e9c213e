/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; the 32-bit member of the SipHash family): a keyed hash, so that
 * nobody who does not know the map's seed can choose keys that collide. The Linux kernel uses it, with the
 * same rounds, for its hash tables on 32-bit machines.
 */
import { SEED } from "./layout.ts";
import { type i32, load8, load32, rotateLeft } from "./machine.ts";

/** Of `length` bytes at an address divisible by four. */
export function hashBytes(address: i32, length: i32): i32 {
  const k0 = load32(SEED);
  const k1 = load32(SEED + 4);
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const whole = length & ~3;
  let last = length << 24;
  for (let i = 0; i < length - whole; i++) last = last | (load8(address + whole + i) << (i << 3));
  // The message, its last word with the length, and three rounds to finish.
  const words = whole >> 2;
  for (let i = 0; i < words + 4; i++) {
    const word = i < words ? load32(address + (i << 2)) : i === words ? last : 0;
    if (i === words + 1) v2 = v2 ^ 0xff;
    v3 = v3 ^ word;
    v0 = (v0 + v1) | 0;
    v1 = rotateLeft(v1, 5) ^ v0;
    v0 = rotateLeft(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotateLeft(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotateLeft(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotateLeft(v1, 13) ^ v2;
    v2 = rotateLeft(v2, 16);
    v0 = v0 ^ word;
  }
  return v1 ^ v3;
}
