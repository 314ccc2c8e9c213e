/**
 * Damage to DER that is DER again afterwards: values are removed, repeated, put elsewhere or damaged at any depth, and every
 * length around them is right. Pure. Format: X.690, with tags of one byte.
 */
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";

interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Values stand in values by this bit; in texts of bytes and bits they do so now and then. */
const constructed = 0x20;
const edgeTags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0x80, 0xa0, 0xa3];

/** Nine of ten edits keep the lengths right. */
export const mutateDer: Mutate = (bytes, random, others) => {
  let made = bytes;
  for (let left = 1 + random.integer(3); left > 0; left--) {
    const values = random.integer(10) > 0 ? readValues(made) : null;
    made = values === null ? mutateBytes(made, random, others) : writeValues(edited(values, random));
  }
  return made;
};

/** Goes down with seven chances of eight, where there is something to go down into. */
function edited(values: readonly Value[], random: Random): readonly Value[] {
  const at = random.integer(values.length);
  const value = values[at]!;
  const inside = value.tag & constructed || random.integer(2) === 0 ? readValues(value.content) : null;
  if (inside !== null && random.integer(8) > 0) {
    return values.with(at, { ...value, content: writeValues(edited(inside, random)) });
  }
  switch (random.integer(5)) {
    case 0:
      return values.toSpliced(at, 1);
    case 1:
      return values.toSpliced(random.integer(values.length + 1), 0, value);
    case 2:
      return values.with(at, { ...value, tag: edgeTags[random.integer(edgeTags.length)]! });
    case 3:
      return values.with(at, { ...value, content: new Uint8Array() });
    default:
      return values.with(at, { ...value, content: mutateBytes(value.content, random, []) });
  }
}

/** Null for what is no DER; nothing is none either. */
function readValues(bytes: Uint8Array): readonly Value[] | null {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0x80] = bytes.subarray(at, at + 2);
    const count = first > 0x80 ? first - 0x80 : 0;
    const begin = at + 2 + count;
    let length = count === 0 ? first : 0;
    for (const byte of bytes.subarray(at + 2, begin)) length = length * 256 + byte;
    if (first === 0x80 || count > 4 || begin + length > bytes.length) return null;
    values.push({ tag, content: bytes.subarray(begin, begin + length) });
    at = begin + length;
  }
  return values.length === 0 ? null : values;
}

function writeValues(values: readonly Value[]): Uint8Array {
  const parts = values.flatMap(({ tag, content }) => [
    Uint8Array.of(tag, ...lengthOf(content.length)),
    content,
  ]);
  return new Uint8Array(Buffer.concat(parts));
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return [0x80 + bytes.length, ...bytes];
}
