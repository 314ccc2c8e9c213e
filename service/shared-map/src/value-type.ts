/**
 * What keys and values are in memory: bytes and a type, told in a word, length << 4 | type.
 *
 * Strings lie as Latin-1 where that has all of their characters and as UTF-16 elsewhere, so any string, lone
 * surrogates included, comes back as it was.
 */
import { COUNTER, FIXED_COUNTER, NUMBER, TEXT_LATIN1, TEXT_UTF16 } from "./core/layout.ts";

/** Of values; those of keys are some of them. */
export const valueType = {
  number: NUMBER,
  counter: COUNTER,
  fixedCounter: FIXED_COUNTER,
  latin1: TEXT_LATIN1,
  utf16: TEXT_UTF16,
  bigint: 6,
  bytes: 7,
  true: 8,
  false: 9,
  null: 10,
  undefined: 11,
  coded: 12,
} as const;

export const metaOf = (length: number, type: number): number => (length << 4) | type;

/** Whether the value is an integer that changes in place. */
export function isIntegerMeta(meta: number): boolean {
  const type = meta & 15;
  return type === valueType.counter || type === valueType.fixedCounter;
}

/** For a one-byte string, which has no such character, this costs next to nothing. */
const beyondLatin1 = /[^\0-\xff]/;

export function isLatin1(text: string): boolean {
  return !beyondLatin1.test(text);
}

/** Sign, then magnitude, most significant byte first: equal integers have equal bytes. */
export function bytesOfBigint(value: bigint): Uint8Array {
  const digits = (value < 0n ? -value : value).toString(16);
  return Buffer.from(`${value < 0n ? "01" : "00"}${digits.length % 2 === 1 ? "0" : ""}${digits}`, "hex");
}

export function bigintOfBytes(bytes: Uint8Array): bigint {
  const magnitude = BigInt(`0x${Buffer.from(bytes.subarray(1)).toString("hex")}`);
  return bytes[0] === 1 ? -magnitude : magnitude;
}
