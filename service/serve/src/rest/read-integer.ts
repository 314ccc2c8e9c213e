/**
 * Reads 64-bit integers from the digits of JSON, without a string or a BigInt for each: of 2^53 and more, a double has
 * lost the last digits.
 *
 * An integer of up to 20 digits is h * 10^t + l, with h of the first 15 digits and l of the t <= 5 others. With
 * h = h1 * 2^25 + h0, both p = h1 * 10^t < 2^42 and q = h0 * 10^t + l < 2^43 are exact, and the integer is p * 2^25 + q.
 * Its high half is floor(p / 2^7) and what the low 7 bits of p, shifted by 25, and q carry beyond 2^32.
 */

const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;

const powersOfTen = [1, 10, 100, 1e3, 1e4, 1e5];

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
  let at = start;
  const isNegative = bytes[at] === minus;
  if (isNegative) at++;
  const first = at;
  let head = 0;
  let tail = 0;
  for (let byte = bytes[at]!; byte >= zero && byte <= nine; byte = bytes[++at]!) {
    if (at - first < 15) head = head * 10 + (byte - zero);
    else tail = tail * 10 + (byte - zero);
  }
  integer.end = at;
  const digits = at - first;
  if (digits > 20) return false;
  const scale = powersOfTen[Math.max(0, digits - 15)]!;
  const product = Math.floor(head / 0x200_0000) * scale;
  const sum = (product % 0x80) * 0x200_0000 + (head % 0x200_0000) * scale + tail;
  const high = Math.floor(product / 0x80) + Math.floor(sum / 0x1_0000_0000);
  const low = sum % 0x1_0000_0000;
  if (!isNegative || (high === 0 && low === 0)) {
    integer.high = high;
    integer.low = low;
    return high <= (isSigned ? 0x7fff_ffff : 0xffff_ffff);
  }
  integer.high = low === 0 ? -high : -high - 1;
  integer.low = low === 0 ? 0 : 0x1_0000_0000 - low;
  return isSigned && (high <= 0x7fff_ffff || (high === 0x8000_0000 && low === 0));
}

/** Where the next number begins. */
export function nextInteger(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at]!; byte !== minus && !(byte >= zero && byte <= nine); byte = bytes[++at]!);
  return at;
}
