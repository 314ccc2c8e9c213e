/**
 * Writes numbers as JSON into bytes, each so that it reads back as the same number.
 *
 * A float needs at most nine significant digits. With v = m * 10^-k and m an integer of eight digits, m / 10^k is the
 * nearest double to the text, as both hold exactly; where that rounds to v as a float, eight digits are enough, and else
 * nine are. Zeros at the end are left out: 0.1 is written 0.1, where its double would take 17 digits.
 */

const zero = 0x30;
const minus = 0x2d;
const point = 0x2e;

const powersOfTen = Float64Array.from({ length: 17 }, (_, exponent) => Number(`1e${exponent}`));

/** The most bytes that a number takes here. */
export const longestNumber = 32;

/** A finite float. Answers where it ends. */
export function writeFloat(bytes: Buffer, start: number, value: number): number {
  const size = Math.abs(value);
  if (size < 1e9 && Math.floor(size) === size) {
    // The sign of zero is kept.
    if (size === 0 && Object.is(value, -0)) bytes[start] = minus;
    return writeInteger(bytes, start + (Object.is(value, -0) ? 1 : 0), value);
  }
  if (size >= 1e-6 && size < 1e9) {
    let magnitude = 0;
    if (size >= 1) while (size >= powersOfTen[magnitude]!) magnitude++;
    else while (size * powersOfTen[1 - magnitude]! < 1) magnitude--;
    for (let places = 8 - magnitude; places <= 9 - magnitude; places++) {
      const scale = powersOfTen[places]!;
      const mantissa = Math.round(size * scale);
      if (Math.fround(mantissa / scale) === size) {
        return writeDecimal(bytes, start, value < 0, mantissa, places);
      }
    }
  }
  return start + bytes.write(String(value), start, "latin1");
}

/** mantissa * 10^-places, without zeros at the end; the mantissa has at most ten digits. */
function writeDecimal(
  bytes: Buffer,
  start: number,
  isNegative: boolean,
  mantissa: number,
  places: number,
): number {
  let at = start;
  if (isNegative) bytes[at++] = minus;
  const scale = powersOfTen[places]!;
  const whole = Math.floor(mantissa / scale);
  at = writeInteger(bytes, at, whole);
  bytes[at] = point;
  writeDigits(bytes, at + 1, mantissa - whole * scale, places);
  let end = at + places + 1;
  while (bytes[end - 1] === zero) end--;
  return end;
}

/** A safe integer. Answers where it ends. */
export function writeInteger(bytes: Buffer, start: number, value: number): number {
  const size = Math.abs(value);
  let at = start;
  if (value < 0) bytes[at++] = minus;
  let length = 1;
  while (length < 16 && size >= powersOfTen[length]!) length++;
  writeDigits(bytes, at, size, length);
  return at + length;
}

/**
 * An integer of 64 bits, of which a double may have lost the last digits, from the halves of its magnitude: what its
 * quotient and remainder by 10^9 are, by long division with digits of 16 bits. Answers where it ends.
 */
export function writeWide(
  bytes: Buffer,
  start: number,
  isNegative: boolean,
  high: number,
  low: number,
): number {
  let at = start;
  if (isNegative) bytes[at++] = minus;
  const first = Math.floor(high / 1e9);
  const upper = (high - first * 1e9) * 0x1_0000 + (low >>> 16);
  const second = Math.floor(upper / 1e9);
  const lower = (upper - second * 1e9) * 0x1_0000 + (low & 0xffff);
  const third = Math.floor(lower / 1e9);
  at = writeInteger(bytes, at, first * 0x1_0000_0000 + second * 0x1_0000 + third);
  writeNine(bytes, at, lower - third * 1e9, 9);
  return at + 9;
}

/** So many digits, zeros in front among them. Nine at a time fit into 32 bits, in which the processor divides fastest. */
function writeDigits(bytes: Buffer, start: number, value: number, count: number): void {
  if (count <= 9) {
    writeNine(bytes, start, value, count);
    return;
  }
  const high = Math.floor(value / 1e9);
  writeNine(bytes, start, high, count - 9);
  writeNine(bytes, start + count - 9, value - high * 1e9, 9);
}

/** Nine at most. */
function writeNine(bytes: Buffer, start: number, value: number, count: number): void {
  let rest = value | 0;
  for (let at = start + count - 1; at >= start; at--) {
    const next = (rest / 10) | 0;
    bytes[at] = zero + (rest - next * 10);
    rest = next;
  }
}
