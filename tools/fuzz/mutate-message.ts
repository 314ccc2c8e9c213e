/**
 * Damage to a protobuf message that is one again afterwards: fields are removed, repeated, put elsewhere, taken from another
 * message or given values at the edges, at any depth, and every length around them is right. Damage to bytes alone is
 * nearly always refused by the first length that does not fit. Pure.
 *
 * Knows the wire format only (https://protobuf.dev/programming-guides/encoding/), not ONNX: bytes that can be read as a message
 * are taken for one.
 */
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";

type Field =
  | { readonly kind: "varint"; readonly number: number; readonly value: bigint }
  | { readonly kind: "fixed"; readonly number: number; readonly wire: 1 | 5; readonly bytes: Uint8Array }
  | { readonly kind: "bytes"; readonly number: number; readonly bytes: Uint8Array };

const edgeValues = [
  0n,
  1n,
  2n,
  7n,
  16n,
  127n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 2n,
];

/** Nine of ten edits keep the message whole. */
export const mutateMessage: Mutate = (bytes, random, others) => {
  let made = bytes;
  for (let left = 1 + random.integer(3); left > 0; left--) {
    const fields = random.integer(10) > 0 ? readFields(made) : null;
    made = fields === null ? mutateBytes(made, random, others) : writeFields(edited(fields, random, others));
  }
  return made;
};

/** Goes down with three chances of four, where there is something to go down into. */
function edited(fields: readonly Field[], random: Random, others: readonly Uint8Array[]): readonly Field[] {
  const at = random.integer(fields.length);
  const field = fields[at]!;
  if (field.kind === "bytes" && random.integer(4) > 0) {
    const inside = readFields(field.bytes);
    const bytes =
      inside === null ? mutateBytes(field.bytes, random, []) : writeFields(edited(inside, random, others));
    return fields.with(at, { ...field, bytes });
  }
  switch (random.integer(6)) {
    case 0:
      return fields.toSpliced(at, 1);
    case 1:
      return fields.toSpliced(random.integer(fields.length + 1), 0, field);
    case 2:
      return fields.toSpliced(at, 1).toSpliced(random.integer(fields.length), 0, field);
    case 3:
      return fields.with(at, { ...field, number: 1 + random.integer(16) });
    case 4: {
      const other = fieldOf(others[random.integer(others.length)] ?? writeFields(fields), random);
      return other === null ? fields : fields.toSpliced(at, 0, other);
    }
    default:
      return fields.with(at, atEdge(field, random));
  }
}

/** Of any depth. */
function fieldOf(bytes: Uint8Array, random: Random): Field | null {
  const fields = readFields(bytes);
  const field = fields?.[random.integer(fields.length)] ?? null;
  if (field?.kind !== "bytes" || random.integer(3) === 0) return field;
  return fieldOf(field.bytes, random) ?? field;
}

function atEdge(field: Field, random: Random): Field {
  if (field.kind === "varint") return { ...field, value: edgeValues[random.integer(edgeValues.length)]! };
  if (field.kind === "fixed")
    return { ...field, bytes: mutateBytes(field.bytes, random, []).slice(0, field.bytes.length) };
  return { ...field, bytes: new Uint8Array() };
}

/** Null for what is no message; an empty one is none either. */
function readFields(bytes: Uint8Array): readonly Field[] | null {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return null;
  };
  const run = (length: number): Uint8Array | null => {
    if (length > bytes.length - at) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag < 8n || tag > 2n ** 20n) return null;
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    if (wire === 0) {
      const value = varint();
      if (value === null) return null;
      fields.push({ kind: "varint", number, value });
    } else if (wire === 1 || wire === 5) {
      const fixed = run(wire === 1 ? 8 : 4);
      if (fixed === null) return null;
      fields.push({ kind: "fixed", number, wire, bytes: fixed });
    } else if (wire === 2) {
      const length = varint();
      const inside = length === null ? null : run(Number(length));
      if (inside === null) return null;
      fields.push({ kind: "bytes", number, bytes: inside });
    } else return null;
  }
  return fields.length === 0 ? null : fields;
}

function writeFields(fields: readonly Field[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      fields.flatMap((field) => {
        const tag = (wire: number) => varintOf((BigInt(field.number) << 3n) | BigInt(wire));
        if (field.kind === "varint") return [tag(0), varintOf(field.value)];
        if (field.kind === "fixed") {
          const whole = new Uint8Array(field.wire === 1 ? 8 : 4);
          whole.set(field.bytes);
          return [tag(field.wire), whole];
        }
        return [tag(2), varintOf(BigInt(field.bytes.length)), field.bytes];
      }),
    ),
  );
}

function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Uint8Array.from(bytes);
}
