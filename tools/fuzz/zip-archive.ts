/**
 * A ZIP archive in its parts, as far as they can be told, and written again: positions, lengths of names and counts are then
 * right, all else is as it was. Pure. Format: APPNOTE 6.3.10.
 */

export interface Entry {
  /** Of fixed length, before the name: in front of the data, and in the directory. */
  readonly localHead: Buffer;
  readonly localName: Buffer;
  readonly localExtra: Buffer;
  readonly data: Buffer;
  /** Descriptor, and what else stands before the next. */
  readonly behind: Buffer;
  readonly head: Buffer;
  readonly name: Buffer;
  readonly extra: Buffer;
  readonly comment: Buffer;
}

export interface Archive {
  readonly entries: readonly Entry[];
  /** Between directory and end: the records of zip64. */
  readonly wide: Buffer;
  /** With its comment. */
  readonly end: Buffer;
}

export interface Field {
  readonly offset: number;
  readonly width: 2 | 4;
}

export const endFields: readonly Field[] = [
  ...[4, 6, 8, 10, 20].map((offset) => ({ offset, width: 2 as const })),
  ...[12, 16].map((offset) => ({ offset, width: 4 as const })),
];

const full = 0xffffffff;

/** Null for what is no archive whose parts can be told. */
export function readArchive(bytes: Buffer): Archive | null {
  const endAt = bytes.lastIndexOf(Buffer.from("PK\x05\x06"));
  if (endAt < 0 || endAt + 22 > bytes.length) return null;
  const start = bytes.indexOf(Buffer.from("PK\x01\x02"));
  if (start < 0) return bytes.length === 22 ? { entries: [], wide: Buffer.alloc(0), end: bytes } : null;
  const entries: Entry[] = [];
  let at = start;
  while (at + 46 <= endAt && bytes.readUInt32LE(at) === 0x02014b50) {
    const head = bytes.subarray(at, at + 46);
    const nameEnd = at + 46 + head.readUInt16LE(28);
    const extraEnd = nameEnd + head.readUInt16LE(30);
    const next = extraEnd + head.readUInt16LE(32);
    const local = localOf(bytes, head, start);
    if (next > endAt || local === null) return null;
    entries.push({
      ...local,
      head,
      name: bytes.subarray(at + 46, nameEnd),
      extra: bytes.subarray(nameEnd, extraEnd),
      comment: bytes.subarray(extraEnd, next),
    });
    at = next;
  }
  return { entries, wide: bytes.subarray(at, endAt), end: bytes.subarray(endAt) };
}

function localOf(bytes: Buffer, head: Buffer, end: number) {
  const position = head.readUInt32LE(42);
  if (position + 30 > end || bytes.readUInt32LE(position) !== 0x04034b50) return null;
  const localHead = bytes.subarray(position, position + 30);
  const nameEnd = position + 30 + localHead.readUInt16LE(26);
  const data = nameEnd + localHead.readUInt16LE(28);
  const found = bytes.indexOf(Buffer.from("PK\x03\x04"), data);
  const next = found < 0 ? end : Math.min(found, end);
  if (data > next) return null;
  // One whose size stands in another place has all up to the next.
  const dataEnd = Math.min(next, data + head.readUInt32LE(20));
  return {
    localHead,
    localName: bytes.subarray(position + 30, nameEnd),
    localExtra: bytes.subarray(nameEnd, data),
    data: bytes.subarray(data, dataEnd),
    behind: bytes.subarray(dataEnd, next),
  };
}

export function writeArchive({ entries, wide, end }: Archive): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const { localHead, localName, localExtra, data, behind, head, name, extra, comment } of entries) {
    const local = withLengths(localHead, 26, [localName, localExtra]);
    const placed = head.readUInt32LE(42) === full ? head : withNumber(head, 42, 4, position);
    parts.push(local, localName, localExtra, data, behind);
    directory.push(withLengths(placed, 28, [name, extra, comment]), name, extra, comment);
    position += local.length + localName.length + localExtra.length + data.length + behind.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const records = wide.length === 76 ? withPlace(wide, entries.length, length, position) : wide;
  const ended = endFields.reduce((made, { offset, width }) => {
    const truth = new Map([
      [8, entries.length],
      [10, entries.length],
      [12, length],
      [16, position],
    ]).get(offset);
    const isWide = numberAt(end, offset, width) === 2 ** (8 * width) - 1;
    return truth === undefined || isWide ? made : withNumber(made, offset, width, truth);
  }, end);
  return Buffer.concat([...parts, ...directory, records, ended]);
}

/** Of zip64: a record of 56 bytes, and one of 20 that tells where it is. */
function withPlace(wide: Buffer, count: number, length: number, position: number): Buffer {
  const made = Buffer.from(wide);
  for (const [at, value] of [
    [24, count],
    [32, count],
    [40, length],
    [48, position],
    [64, position + length],
  ] as const) {
    made.writeBigUInt64LE(BigInt(value), at);
  }
  return made;
}

function withLengths(head: Buffer, at: number, parts: readonly Buffer[]): Buffer {
  return parts.reduce((made, part, i) => withNumber(made, at + 2 * i, 2, part.length), head);
}

export function numberAt(bytes: Buffer, offset: number, width: 2 | 4): number {
  return bytes.readUIntLE(offset, width);
}

/** A copy; a number that does not fit loses its upper bits. */
export function withNumber(bytes: Buffer, offset: number, width: 2 | 4, value: number): Buffer {
  const made = Buffer.from(bytes);
  made.writeUIntLE(Number(BigInt.asUintN(8 * width, BigInt(value))), offset, width);
  return made;
}
