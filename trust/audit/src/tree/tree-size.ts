/**
 * Sizes and indices of a log are ordinary numbers, exact up to 2^53 - 1: a log of a million events a second reaches that
 * after 285 years. What is beyond is refused, never rounded. Bits are taken by division, as JavaScript's cut at 32.
 */

/** Also of an index. */
export function isTreeSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Decimal, as logs write it: no sign, no leading zeros. Null for anything else and for what is beyond 2^53 - 1. */
export function parseTreeSize(text: string): number | null {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return null;
  const size = Number(text);
  return isTreeSize(size) ? size : null;
}

/** The greatest power of two below `size`, which is at least 2: where RFC 6962 splits a tree. */
export function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
