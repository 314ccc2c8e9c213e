/**
 * Reads 64-bit integers from the digits of JSON, without a string or a BigInt for each: of 2^53 and more, a double has
 * lost the last digits.
 *
 * An integer of up to 20 digits is h * s + r, with h of the first 9 digits and r of the t <= 11 others, s = 10^t. With
 * h = h1 * 2^15 + h0, both p = h1 * s and h0 * s are below 2^52, so that p and q = h0 * s + r are exact, and the integer
 * is p * 2^15 + q. Its high half is floor(p / 2^17) and what the low 17 bits of p, shifted by 15, and q carry beyond 2^32.
 * Nine digits at a time fit into 32 bits, in which the processor adds them up fastest.
 */

const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const wordSize = 0x1_0000_0000;

const powersOfTen = Array.from({ length: 12 }, (_, exponent) => 10 ** exponent);

/** What was read last. One record for all, as one is read after the other. */
export const integer = {
  /** The halves of the two's complement of 64 bits. */
  low: 0,
  high: 0,
  /** After the digits. */
  end: 0,
};

/**
 * Reads the integer that begins at a minus or a digit; false where it does not fit.
 * @param isSigned of INT64; else of UINT64
 */
export function readInteger(bytes: Uint8Array, start: number, isSigned: boolean): boolean {
  const isNegative = bytes[start] === minus;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let head = 0;
  for (const end = first + 9; at < end && isDigit(bytes[at]); at++)
    head = (head * 10 + bytes[at]! - zero) | 0;
  const afterHead = at;
  let middle = 0;
  if (at === first + 9) {
    for (const end = at + 9; at < end && isDigit(bytes[at]); at++)
      middle = (middle * 10 + bytes[at]! - zero) | 0;
  }
  const afterMiddle = at;
  let tail = 0;
  for (; isDigit(bytes[at]); at++) tail = tail * 10 + bytes[at]! - zero;
  integer.end = at;
  if (at - first > 20) return false;
  const scale = powersOfTen[at - afterHead]!;
  const product = (head >>> 15) * scale;
  const rest = middle * powersOfTen[at - afterMiddle]! + tail;
  const sum = (product % 0x2_0000) * 0x8000 + (head & 0x7fff) * scale + rest;
  const carry = Math.floor(sum / wordSize);
  const high = Math.floor(product / 0x2_0000) + carry;
  const low = sum - carry * wordSize;
  if (!isNegative || (high === 0 && low === 0)) {
    integer.high = high;
    integer.low = low;
    return high <= (isSigned ? 0x7fff_ffff : 0xffff_ffff);
  }
  integer.high = low === 0 ? -high : -high - 1;
  integer.low = low === 0 ? 0 : wordSize - low;
  return isSigned && (high <= 0x7fff_ffff || (high === 0x8000_0000 && low === 0));
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

/** Where the next number begins. */
export function nextInteger(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== minus && !isDigit(bytes[at])) at++;
  return at;
}
