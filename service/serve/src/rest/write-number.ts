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
  let rest = mantissa - whole * scale;
  let digits = places;
  while (rest % 10 === 0) {
    rest /= 10;
    digits--;
  }
  bytes[at] = point;
  for (let digit = digits; digit > 0; digit--) {
    const next = Math.floor(rest / 10);
    bytes[at + digit] = zero + (rest - next * 10);
    rest = next;
  }
  return at + digits + 1;
}

/** A safe integer. Answers where it ends. */
export function writeInteger(bytes: Buffer, start: number, value: number): number {
  let rest = Math.abs(value);
  let at = start;
  if (value < 0) bytes[at++] = minus;
  let length = 1;
  while (length < 16 && rest >= powersOfTen[length]!) length++;
  for (let digit = length - 1; digit >= 0; digit--) {
    const next = Math.floor(rest / 10);
    bytes[at + digit] = zero + (rest - next * 10);
    rest = next;
  }
  return at + length;
}
