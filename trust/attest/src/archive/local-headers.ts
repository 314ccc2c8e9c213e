/**
 * Each entry as it stands in the archive: a header, its data, perhaps a descriptor behind them (APPNOTE 6.3.10, sections
 * 4.3.7 to 4.3.9). All of it MUST be what the directory says, and the entries MUST fill the archive up to the directory, without
 * a gap: a program that reads from the front then finds the same entries as one that reads the directory.
 */
import { type ArchiveBytes, archiveRefusal, bytesAt } from "./archive-bytes.ts";
import type { ArchiveEntry } from "./directory.ts";
import { parseExtraFields, widened } from "./extra-fields.ts";

const headerSignature = 0x04034b50;
const headerLength = 30;
const descriptorSignature = 0x08074b50;
/** Sizes and checksum come behind the data; in the header they may be 0. */
const hasDescriptor = 1 << 3;

/** Where the data of an entry begins. */
export type LocatedEntry = ArchiveEntry & { readonly dataPosition: number };

/**
 * @param end position of the directory
 * @throws ARCHIVE_HEADERS_DIFFER, ARCHIVE_OVERLAP, ARCHIVE_INVALID
 */
export function locateEntries(
  bytes: ArchiveBytes,
  entries: readonly ArchiveEntry[],
  end: number,
): LocatedEntry[] {
  const inOrder = entries.toSorted((one, other) => one.position - other.position);
  let free = 0;
  const located = inOrder.map((entry, i) => {
    if (entry.position < free) {
      throw archiveRefusal(
        "ARCHIVE_OVERLAP",
        bytes.path,
        String(entry.name),
        "shares bytes with the one before",
      );
    }
    if (entry.position > free) throw gap(bytes, free, entry.position);
    const dataPosition = dataOf(bytes, entry);
    const next = inOrder[i + 1]?.position ?? end;
    free = dataPosition + entry.packedSize;
    if (free > next) {
      const other = inOrder[i + 1] === undefined ? "the directory" : "the one behind";
      throw archiveRefusal("ARCHIVE_OVERLAP", bytes.path, String(entry.name), `shares bytes with ${other}`);
    }
    if (entry.flags & hasDescriptor) free += descriptorLength(bytes, entry, free, next - free);
    return { ...entry, dataPosition };
  });
  if (free !== end) throw gap(bytes, free, end);
  return located;
}

function gap(bytes: ArchiveBytes, from: number, to: number) {
  const reason = `has bytes that no entry names, from ${from} to ${to}`;
  return archiveRefusal("ARCHIVE_INVALID", bytes.path, null, reason);
}

function dataOf(bytes: ArchiveBytes, entry: ArchiveEntry): number {
  const { position, name } = entry;
  const differs = (what: string) =>
    archiveRefusal("ARCHIVE_HEADERS_DIFFER", bytes.path, String(name), `has beside its data another ${what}`);
  const head = bytesAt(bytes, position, headerLength, `header of ${name}`);
  if (head.readUInt32LE(0) !== headerSignature) throw differs("signature than that of an entry");
  const extraPosition = position + headerLength + head.readUInt16LE(26);
  const dataPosition = extraPosition + head.readUInt16LE(28);
  const rest = bytesAt(bytes, position + headerLength, dataPosition - position - headerLength, "header");
  if (!rest.subarray(0, extraPosition - position - headerLength).equals(name)) throw differs("name");
  if (head.readUInt16LE(6) !== entry.flags) throw differs("set of flags");
  if (head.readUInt16LE(8) !== (entry.method === "stored" ? 0 : 8)) throw differs("method");
  const fields = parseExtraFields(rest.subarray(extraPosition - position - headerLength));
  if (fields === null) throw differs("set of extra fields, which are none");
  if (fields.unicodeName !== null && !fields.unicodeName.equals(name)) throw differs("second name");
  const sizes = widened([head.readUInt32LE(22), head.readUInt32LE(18)], fields.wide);
  if (sizes === null) throw differs("size, which is not told");
  const crc = head.readUInt32LE(14);
  const isSame = (said: number | undefined, real: number) =>
    said === real || (said === 0 && (entry.flags & hasDescriptor) !== 0);
  if (!isSame(sizes[0], entry.size) || !isSame(sizes[1], entry.packedSize)) throw differs("size");
  if (!isSame(crc, entry.crc)) throw differs("checksum");
  return dataPosition;
}

/** With a signature or without, sizes of four bytes or eight: each form has a length of its own. */
const descriptorForms: ReadonlyMap<number, { readonly signed: boolean; readonly wide: boolean }> = new Map([
  [12, { signed: false, wide: false }],
  [16, { signed: true, wide: false }],
  [20, { signed: false, wide: true }],
  [24, { signed: true, wide: true }],
]);

/** @param room bytes up to what comes next */
function descriptorLength(bytes: ArchiveBytes, entry: ArchiveEntry, position: number, room: number): number {
  const form = descriptorForms.get(room);
  if (form === undefined) throw gap(bytes, position, position + room);
  const descriptor = bytes.read(position, room);
  const at = form.signed ? 4 : 0;
  const sizeAt = (index: number) =>
    form.wide
      ? descriptor.readBigUInt64LE(at + 4 + 8 * index)
      : BigInt(descriptor.readUInt32LE(at + 4 + 4 * index));
  if (
    (form.signed && descriptor.readUInt32LE(0) !== descriptorSignature) ||
    descriptor.readUInt32LE(at) !== entry.crc ||
    sizeAt(0) !== BigInt(entry.packedSize) ||
    sizeAt(1) !== BigInt(entry.size)
  ) {
    throw archiveRefusal(
      "ARCHIVE_HEADERS_DIFFER",
      bytes.path,
      String(entry.name),
      "has another descriptor behind its data",
    );
  }
  return room;
}
