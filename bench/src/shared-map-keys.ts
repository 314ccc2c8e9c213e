/** The keys and values of all contenders, drawn from a seed, so that workers make the same ones themselves. */
import { createRandom, type Random } from "@cupel/base";

export const keyLength = 18;
export const textLength = 100;
const seed = 7;
const alphabet = Buffer.from("abcdefghijklmnopqrstuvwxyz0123456789");

export interface KeySet {
  readonly count: number;
  /** In the order in which they are put in; the number that belongs to a key is its index, at most 20 bits. */
  readonly keys: readonly string[];
  /** The same strings in the order in which they are looked up, and the indices that belong to them. */
  readonly lookups: readonly string[];
  readonly indices: readonly number[];
}

/** Every key is a flat string of one-byte characters, as one that was parsed from a request. */
export function keySet(count: number): KeySet {
  const random = createRandom(seed);
  const keys = Array.from({ length: count }, (_, i) => keyOf(i, random));
  const indices = random.permutation(count);
  return { count, keys, lookups: indices.map((i) => keys[i]!), indices };
}

/** Strings of 100 one-byte characters, one for each key. */
export function texts(count: number): string[] {
  const random = createRandom(seed + 1);
  return Array.from({ length: count }, () => drawn(random, textLength).toString("latin1"));
}

/** The same texts in strings of their own: V8 knows neither their hashes nor that they equal others. */
export function copied(strings: readonly string[]): string[] {
  return strings.map((text) => Buffer.from(text, "latin1").toString("latin1"));
}

/** Six characters of the index, so that no two are the same, and then chance. */
function keyOf(index: number, random: Random): string {
  const bytes = drawn(random, keyLength);
  bytes.write(index.toString(36).padStart(6, "0"), keyLength - 6, "latin1");
  return bytes.toString("latin1");
}

function drawn(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = alphabet[random.integer(alphabet.length)]!;
  return bytes;
}
