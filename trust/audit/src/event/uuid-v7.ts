/**
 * UUID version 7, https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7: 48 bits of milliseconds, 12 bits that here are
 * the fraction of the millisecond (section 6.2, method 3), 62 random bits. As long as the microseconds increase from
 * call to call, the ids increase as texts: 4,096 fractions keep 1,000 microseconds apart.
 */
import { randomFillSync } from "node:crypto";

/** Lower case, as RFC 9562 has them written. */
export const uuidV7Pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/**
 * @param milliseconds since the Unix epoch, below 2^48
 * @param fraction 12 bits
 * @param random 16 hexadecimal digits, the first two bits of which give way to the variant
 */
export function uuidV7(milliseconds: number, fraction: number, random: string): string {
  return `${timeText(milliseconds)}-7${hex(fraction, 3)}-${variantOf(random)}${random.slice(1, 4)}-${random.slice(4, 16)}`;
}

export interface UuidV7Source {
  /** @param microseconds since the Unix epoch, a whole number */
  next(microseconds: number): string;
}

/** Random bytes are drawn for so many ids at once. */
const idsADraw = 512;

/**
 * Its ids are written as bytes and become texts at once: a text put together of pieces costs JSON.stringify more than all the rest
 * of an event.
 */
export function createUuidV7Source(): UuidV7Source {
  const random = Buffer.allocUnsafe(8 * idsADraw);
  const digits = Buffer.from("00000000-0000-7000-8000-000000000000");
  let at = random.length;
  let ofMilliseconds = Number.NaN;
  const write = (byte: number, position: number): void => {
    digits[position] = hexDigits[byte >> 4]!;
    digits[position + 1] = hexDigits[byte & 15]!;
  };
  return {
    next(microseconds) {
      if (at === random.length) {
        randomFillSync(random);
        at = 0;
      }
      const milliseconds = Math.floor(microseconds / 1000);
      if (milliseconds !== ofMilliseconds) {
        ofMilliseconds = milliseconds;
        digits.write(timeText(milliseconds), "latin1");
      }
      const fraction = Math.floor(((microseconds - 1000 * milliseconds) * 4096) / 1000);
      digits[15] = hexDigits[fraction >> 8]!;
      write(fraction & 0xff, 16);
      write((random[at]! & 0x3f) | 0x80, 19);
      write(random[at + 1]!, 21);
      for (let i = 2; i < 8; i++) write(random[at + i]!, 20 + 2 * i);
      at += 8;
      return digits.toString("latin1");
    },
  };
}

const hexDigits = Buffer.from("0123456789abcdef");

function variantOf(random: string): string {
  return "89ab".charAt(Number.parseInt(random.charAt(0), 16) & 3);
}

function timeText(milliseconds: number): string {
  const digits = hex(milliseconds, 12);
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
