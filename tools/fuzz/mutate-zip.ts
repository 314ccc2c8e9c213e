/**
 * Damage to a ZIP archive whose positions, lengths, counts and checksums are mostly right afterwards: those are the first
 * things that are looked at, and damage to bytes alone seldom gets behind them. Pure. Format: APPNOTE 6.3.10.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";
import {
  type Archive,
  type Entry,
  endFields,
  type Field,
  numberAt,
  readArchive,
  withNumber,
  writeArchive,
} from "./zip-archive.ts";

const descriptorFlag = 8;
const longestContent = 2 ** 20;

/** Nine of ten edits make an archive. */
export const mutateZip: Mutate = (bytes, random, others) => {
  const found = random.integer(10) > 0 ? readArchive(Buffer.from(bytes)) : null;
  if (found === null) return mutateBytes(bytes, random, others);
  let made = found;
  for (let left = 1 + random.integer(3); left > 0; left--) {
    made = edits[random.integer(edits.length)]!(made, random, others);
  }
  const written = writeArchive(made);
  return new Uint8Array(random.integer(8) === 0 ? mutateBytes(written, random, others) : written);
};

type Edit = (archive: Archive, random: Random, others: readonly Uint8Array[]) => Archive;
type EntryEdit = (entry: Entry, random: Random) => Entry;

const inEntry = (edit: EntryEdit): Edit => {
  return (archive, random) => {
    const at = random.integer(archive.entries.length);
    const entry = archive.entries[at];
    return entry === undefined
      ? archive
      : { ...archive, entries: archive.entries.with(at, edit(entry, random)) };
  };
};

const edits: readonly Edit[] = [
  inEntry((entry, random) => withField(entry, random, true)),
  inEntry((entry, random) => withField(entry, random, false)),
  inEntry((entry, random) => withName(entry, edgeNames[random.integer(edgeNames.length)]!)),
  inEntry((entry, random) => withName(entry, mutateBytes(entry.name, random, []))),
  inEntry((entry, random) => withExtra(entry, random)),
  inEntry((entry, random) => ({ ...entry, data: Buffer.from(mutateBytes(entry.data, random, [])) })),
  inEntry((entry, random) => withTruth({ ...entry, data: Buffer.from(mutateBytes(entry.data, random, [])) })),
  inEntry((entry) => repacked(entry)),
  inEntry((entry, random) => withDescriptor(entry, random)),
  inEntry((entry, random) => ({ ...entry, behind: Buffer.from(mutateBytes(entry.behind, random, [])) })),
  inEntry((entry, random) => {
    const mode = edgeModes[random.integer(edgeModes.length)]!;
    return { ...entry, head: withNumber(entry.head, 38, 4, mode * 2 ** 16 + random.integer(32)) };
  }),
  (archive, random) => {
    const at = random.integer(archive.entries.length);
    return { ...archive, entries: archive.entries.toSpliced(at, 1) };
  },
  (archive, random, others) => {
    const from = readArchive(Buffer.from(others[random.integer(others.length)] ?? [])) ?? archive;
    const entry = from.entries[random.integer(from.entries.length)];
    const at = random.integer(archive.entries.length + 1);
    return entry === undefined ? archive : { ...archive, entries: archive.entries.toSpliced(at, 0, entry) };
  },
  (archive, random) => {
    const { offset, width } = endFields[random.integer(endFields.length)]!;
    const value = edgeNumber(width, random, numberAt(archive.end, offset, width));
    return { ...archive, end: withNumber(archive.end, offset, width, value) };
  },
  (archive, random) => ({ ...archive, wide: Buffer.from(mutateBytes(archive.wide, random, [])) }),
];

const edgeNames = ["../x", "/x", "C:x", "a\\b", "a//b", "a/./b", "a/", "A", "", "x\0y", "é", "e\u0301"]
  .map((name) => Buffer.from(name))
  .concat([Buffer.from([0xff, 0xfe]), Buffer.from("d/".repeat(30_000)), Buffer.from("é", "latin1")]);
const edgeModes = [0, 0o100644, 0o100755, 0o104755, 0o120777, 0o040755, 0o010644, 0o060644, 0o140644];

/** Of a header before the data: flags, method, time, date, checksum, sizes. In the directory each stands two bytes on. */
const sharedFields: readonly Field[] = [
  ...[6, 8, 10, 12].map((offset) => ({ offset, width: 2 as const })),
  ...[14, 18, 22].map((offset) => ({ offset, width: 4 as const })),
];
/** Of the directory alone: host, part, attributes, position. */
const directoryFields: readonly Field[] = [
  ...[4, 34, 36].map((offset) => ({ offset, width: 2 as const })),
  ...[38, 42].map((offset) => ({ offset, width: 4 as const })),
];

/** @param agrees whether both headers say the same afterwards */
function withField(entry: Entry, random: Random, agrees: boolean): Entry {
  if (random.integer(4) === 0) {
    const { offset, width } = directoryFields[random.integer(directoryFields.length)]!;
    const value = edgeNumber(width, random, numberAt(entry.head, offset, width));
    return { ...entry, head: withNumber(entry.head, offset, width, value) };
  }
  const { offset, width } = sharedFields[random.integer(sharedFields.length)]!;
  const value = edgeNumber(width, random, numberAt(entry.localHead, offset, width));
  const head = withNumber(entry.head, offset + 2, width, value);
  const localHead = withNumber(entry.localHead, offset, width, value);
  if (agrees) return { ...entry, head, localHead };
  return random.integer(2) === 0 ? { ...entry, head } : { ...entry, localHead };
}

function edgeNumber(width: 2 | 4, random: Random, before: number): number {
  const most = 2 ** (8 * width) - 1;
  const edges = [
    0,
    1,
    most,
    most - 1,
    (most - 1) / 2,
    before + 1,
    before - 1,
    before ^ (1 << random.integer(16)),
  ];
  return edges[random.integer(edges.length)]!;
}

function withName(entry: Entry, bytes: Uint8Array): Entry {
  const name = Buffer.from(bytes);
  return { ...entry, name, localName: name };
}

const extraIds = [0x0001, 0x7075, 0x5455, 0xffff];

function withExtra(entry: Entry, random: Random): Entry {
  const id = extraIds[random.integer(extraIds.length)]!;
  const data = Buffer.from(
    Array.from({ length: [0, 5, 8, 16, 24][random.integer(5)]! }, () => random.integer(3)),
  );
  const field = Buffer.alloc(4);
  field.writeUInt16LE(id, 0);
  field.writeUInt16LE(data.length, 2);
  const ways: readonly ((extra: Buffer) => Buffer)[] = [
    (extra) => Buffer.from(mutateBytes(extra, random, [])),
    (extra) => Buffer.concat([extra, field, data]),
    (extra) => Buffer.concat([extra, Buffer.alloc(random.integer(5))]),
  ];
  const way = ways[random.integer(ways.length)]!;
  return random.integer(2) === 0
    ? { ...entry, extra: way(entry.extra) }
    : { ...entry, extra: way(entry.extra), localExtra: way(entry.localExtra) };
}

/** Checksum and sizes of its data, in both headers and in a descriptor of 16 bytes. */
function withTruth(entry: Entry): Entry {
  const content = contentOf(entry);
  if (content === null) return entry;
  const facts = [crc32(content), entry.data.length, content.length];
  const write = (bytes: Buffer, at: number) => {
    return facts.reduce((made, value, i) => withNumber(made, at + 4 * i, 4, value), bytes);
  };
  return {
    ...entry,
    head: write(entry.head, 16),
    localHead: write(entry.localHead, 14),
    behind: entry.behind.length === 16 ? write(entry.behind, 4) : entry.behind,
  };
}

/** Stored becomes deflated and the other way round. */
function repacked(entry: Entry): Entry {
  const content = contentOf(entry);
  if (content === null) return entry;
  const method = entry.head.readUInt16LE(10) === 8 ? 0 : 8;
  return withTruth({
    ...entry,
    head: withNumber(entry.head, 10, 2, method),
    localHead: withNumber(entry.localHead, 8, 2, method),
    data: method === 8 ? deflateRawSync(content) : content,
  });
}

function withDescriptor(entry: Entry, random: Random): Entry {
  const flags = entry.head.readUInt16LE(8) ^ descriptorFlag;
  const made = {
    ...entry,
    head: withNumber(entry.head, 8, 2, flags),
    localHead: withNumber(entry.localHead, 6, 2, flags),
  };
  if ((flags & descriptorFlag) === 0) return { ...made, behind: Buffer.alloc(0) };
  const signed = Buffer.alloc(16);
  signed.writeUInt32LE(0x08074b50);
  const { behind } = withTruth({ ...made, behind: signed });
  return { ...made, behind: random.integer(2) === 0 ? behind : behind.subarray(4) };
}

/** Null for what does not unpack, or to much. */
function contentOf({ head, data }: Entry): Buffer | null {
  if (head.readUInt16LE(10) !== 8) return data;
  try {
    return inflateRawSync(data, { maxOutputLength: longestContent });
  } catch {
    return null;
  }
}
