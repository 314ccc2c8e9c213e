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

export function createUuidV7Source(): UuidV7Source {
  const bytes = Buffer.allocUnsafe(8 * idsADraw);
  let digits = "";
  let at = 0;
  let ofMilliseconds = Number.NaN;
  let time = "";
  return {
    next(microseconds) {
      if (at === digits.length) {
        digits = randomFillSync(bytes).toString("hex");
        at = 0;
      }
      const start = at;
      at += 16;
      const milliseconds = Math.floor(microseconds / 1000);
      if (milliseconds !== ofMilliseconds) {
        ofMilliseconds = milliseconds;
        time = timeText(milliseconds);
      }
      const fraction = fractions[microseconds - 1000 * milliseconds]!;
      const variant = variants[digits.charCodeAt(start) & 3]!;
      return `${time}-7${fraction}-${variant}${digits.slice(start + 1, start + 4)}-${digits.slice(start + 4, at)}`;
    },
  };
}

/** Of each microsecond of a millisecond. */
const fractions = Array.from({ length: 1000 }, (_, microseconds) =>
  hex(Math.floor((microseconds * 4096) / 1000), 3),
);

const variants = ["8", "9", "a", "b"] as const;

function variantOf(random: string): string {
  return variants[Number.parseInt(random.charAt(0), 16) & 3]!;
}

function timeText(milliseconds: number): string {
  const digits = hex(milliseconds, 12);
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
