/**
 * The events that TensorBoard draws, as bytes. A file is a sequence of TFRecords: the length as 64 bits, its checksum, the
 * event, its checksum, little-endian (tensorflow/core/lib/io/record_writer.h). Checksums are CRC-32C, rotated and offset
 * ("masked"). An event is a protobuf message (tensorflow/core/util/event.proto, framework/summary.proto), of which we
 * write the fields below. Pure.
 */

export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly time: number;
  readonly step: number;
  /** By tag. "loss/train" and "loss/validation" are drawn in one group. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The first record of a file: the version of the format. */
export function versionRecord(time: number): Buffer {
  return recordOf([double(field.event.time, time), bytes(field.event.version, Buffer.from("brain.Event:2"))]);
}

/** A run begins, perhaps again: TensorBoard forgets what it has of this step and later ones from files before. */
export function startRecord(time: number, step: number): Buffer {
  const start = varint(field.session.status, 1);
  return recordOf([
    double(field.event.time, time),
    varint(field.event.step, step),
    bytes(field.event.session, start),
  ]);
}

export function scalarsRecord({ time, step, scalars }: ScalarEvent): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytes(
      field.summary.value,
      Buffer.concat([bytes(field.value.tag, Buffer.from(tag)), float(field.value.simple, value)]),
    ),
  );
  return recordOf([
    double(field.event.time, time),
    varint(field.event.step, step),
    bytes(field.event.summary, Buffer.concat(values)),
  ]);
}

/** Numbers of the fields. */
const field = {
  event: { time: 1, step: 2, version: 3, summary: 5, session: 7 },
  summary: { value: 1 },
  value: { tag: 1, simple: 2 },
  session: { status: 1 },
} as const;

/** Wire types: https://protobuf.dev/programming-guides/encoding */
const wire = { varint: 0, double: 1, bytes: 2, float: 5 } as const;

function varint(number: number, value: number): Buffer {
  return Buffer.concat([key(number, wire.varint), unsigned(value)]);
}

function double(number: number, value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(number, wire.double), data]);
}

function float(number: number, value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(number, wire.float), data]);
}

function bytes(number: number, data: Buffer): Buffer {
  return Buffer.concat([key(number, wire.bytes), unsigned(data.length), data]);
}

function key(number: number, type: number): Buffer {
  return unsigned(number * 8 + type);
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. */
function unsigned(value: number): Buffer {
  const found: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) found.push((left % 128) + 128);
  found.push(left);
  return Buffer.from(found);
}

function recordOf(fields: readonly Buffer[]): Buffer {
  const event = Buffer.concat(fields);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(event.length));
  return Buffer.concat([length, checksum(length), event, checksum(event)]);
}

function checksum(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const result = Buffer.alloc(4);
  result.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return result;
}

/** Castagnoli's polynomial, bits reversed. */
const polynomial = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}
