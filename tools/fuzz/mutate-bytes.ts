/** Damage to bytes of any format. Pure: the same random numbers make the same damage. */
import type { Random } from "@cupel/base";

/** Makes another input of one. `others` are inputs to take parts from. */
export type Mutate = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** Where arithmetic on sizes and signs goes wrong. */
const edges = [0, 1, 0x7f, 0x80, 0xff];

const edits: readonly Mutate[] = [
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.integer(8))),
  (bytes, random) => changed(bytes, random, () => random.integer(256)),
  (bytes, random) => changed(bytes, random, () => edges[random.integer(edges.length)]!),
  (bytes, random) => {
    const [start, end] = run(bytes, random);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  (bytes, random) => {
    const [start, end] = run(bytes, random);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  (bytes, random, others) => {
    const other = others[random.integer(others.length)] ?? bytes;
    return joined(bytes.subarray(0, random.integer(bytes.length + 1)), other.subarray(...run(other, random)));
  },
];

/** One to four edits. */
export const mutateBytes: Mutate = (bytes, random, others) => {
  let made = bytes;
  for (let left = 1 + random.integer(4); left > 0; left--) {
    made = edits[random.integer(edits.length)]!(made, random, others);
  }
  return made;
};

function changed(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.integer(256));
  const copy = Uint8Array.from(bytes);
  const at = random.integer(copy.length);
  copy[at] = change(copy[at]!);
  return copy;
}

function run(bytes: Uint8Array, random: Random): [number, number] {
  const start = random.integer(bytes.length + 1);
  return [start, Math.min(bytes.length, start + 1 + random.integer(32))];
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
