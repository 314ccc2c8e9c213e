/**
 * Where an archive's directory lies: its last record says so (APPNOTE 6.3.10, sections 4.3.14 to 4.3.16). Nothing may
 * stand behind that record, and nothing between it and the directory: then there is one way to read it.
 */
import { type ArchiveBytes, archiveRefusal, bytesAt, wide } from "./archive-bytes.ts";

export interface DirectoryPlace {
  readonly position: number;
  readonly length: number;
  readonly entries: number;
}

const endSignature = 0x06054b50;
const endLength = 22;
const longestComment = 0xffff;
const wideEndSignature = 0x06064b50;
const wideEndLength = 56;
const locatorSignature = 0x07064b50;
const locatorLength = 20;
const sevenZip = Buffer.from("377abcaf271c", "hex");

/** @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
export function findDirectory(bytes: ArchiveBytes): DirectoryPlace {
  const refuse = (reason: string) => archiveRefusal("ARCHIVE_INVALID", bytes.path, null, reason);
  if (bytes.size >= sevenZip.length && bytes.read(0, sevenZip.length).equals(sevenZip)) {
    throw archiveRefusal(
      "ARCHIVE_UNSUPPORTED",
      bytes.path,
      null,
      "is a 7z archive, whose files are packed as one stream by methods that Node.js has not. Unpack it, or make a ZIP of it",
    );
  }
  const tailLength = Math.min(bytes.size, endLength + longestComment);
  const tail = bytes.read(bytes.size - tailLength, tailLength);
  const ends = endsIn(tail);
  if (ends.length === 0) throw refuse("is cut off or no ZIP: it does not end as one");
  // A comment that looks like an end itself: programs differ in which one they take.
  if (ends.length > 1) throw refuse("has two ends");
  const at = ends[0]!;
  const end = tail.subarray(at);
  const endPosition = bytes.size - tailLength + at;
  const found = {
    disks: [end.readUInt16LE(4), end.readUInt16LE(6)],
    counts: [end.readUInt16LE(8), end.readUInt16LE(10)],
    length: end.readUInt32LE(12),
    position: end.readUInt32LE(16),
    behind: endPosition,
  };
  const place = wideEnd(bytes, endPosition, found) ?? found;
  if (place.disks.some((disk) => disk !== 0) || place.counts[0] !== place.counts[1]) {
    throw archiveRefusal("ARCHIVE_UNSUPPORTED", bytes.path, null, "is one of several parts. Join them");
  }
  if (place.position + place.length !== place.behind) {
    throw refuse("has a directory that does not end where the end begins: bytes were put before or between");
  }
  return { position: place.position, length: place.length, entries: place.counts[0]! };
}

/** Positions of all records that end where the bytes do. */
function endsIn(tail: Buffer): number[] {
  const ends: number[] = [];
  for (let at = tail.length - endLength; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== endSignature) continue;
    if (at + endLength + tail.readUInt16LE(at + 20) === tail.length) ends.push(at);
  }
  return ends;
}

interface FoundEnd {
  readonly disks: readonly number[];
  readonly counts: readonly number[];
  readonly length: number;
  readonly position: number;
  /** Position behind the directory. */
  readonly behind: number;
}

/** The record for large archives (zip64); null where there is none. What the small one says beside MUST agree with it. */
function wideEnd(bytes: ArchiveBytes, endPosition: number, small: FoundEnd): FoundEnd | null {
  const refuse = (reason: string) => archiveRefusal("ARCHIVE_INVALID", bytes.path, null, reason);
  const isFull =
    small.counts.includes(0xffff) || small.length === 0xffffffff || small.position === 0xffffffff;
  const locatorPosition = endPosition - locatorLength;
  const locator = locatorPosition < 0 ? null : bytes.read(locatorPosition, locatorLength);
  if (locator?.readUInt32LE(0) !== locatorSignature) {
    // An archive of exactly 65,535 entries is full and small.
    if (isFull && small.position + small.length !== small.behind) {
      throw refuse("lacks the zip64 record that its end speaks of");
    }
    return null;
  }
  const position = wide(locator, 8);
  if (position !== locatorPosition - wideEndLength) {
    throw refuse("has a zip64 record that is not before its locator");
  }
  const record = bytesAt(bytes, position, wideEndLength, "zip64 record");
  const [rest, count, total, length, start] = [4, 24, 32, 40, 48].map((at) => wide(record, at));
  if (record.readUInt32LE(0) !== wideEndSignature || rest !== wideEndLength - 12) {
    throw refuse("has a zip64 record that is none");
  }
  if (count == null || total == null || length == null || start == null) {
    throw refuse("has a zip64 record with a number beyond all files");
  }
  const agrees = (said: number | undefined, full: number, real: number) => said === full || said === real;
  if (
    !agrees(small.counts[0], 0xffff, count) ||
    !agrees(small.counts[1], 0xffff, total) ||
    !agrees(small.length, 0xffffffff, length) ||
    !agrees(small.position, 0xffffffff, start)
  ) {
    throw refuse("has a zip64 record that its end contradicts");
  }
  return {
    disks: [
      record.readUInt32LE(16),
      record.readUInt32LE(20),
      locator.readUInt32LE(4),
      locator.readUInt32LE(16) - 1,
    ],
    counts: [count, total],
    length,
    position: start,
    behind: position,
  };
}
