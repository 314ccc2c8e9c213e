/**
 * The entries of an archive as its directory names them (APPNOTE 6.3.10, section 4.3.12), each held to what any program
 * would make of it: whatever programs could take in two ways is refused.
 */
import { isUtf8 } from "node:buffer";
import { checkCollisions } from "../manifest/check-manifest.ts";
import { foldersAbove, pathRefusal } from "../manifest/path-rules.ts";
import { type ArchiveBytes, archiveRefusal } from "./archive-bytes.ts";
import { type DirectoryPlace, findDirectory } from "./end-of-directory.ts";
import { parseExtraFields, widened } from "./extra-fields.ts";

export interface ArchiveEntry {
  readonly kind: "file" | "folder";
  /** Without a slash at the end. */
  readonly path: string;
  /** As it stands in the archive. */
  readonly name: Buffer;
  readonly executable: boolean;
  readonly flags: number;
  readonly method: "stored" | "deflated";
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  /** Bytes of its content. */
  readonly size: number;
  /** Of its local header. */
  readonly position: number;
}

/** Of an archive's directory, and of the folders that it names or implies. */
export const mostEntries = 100_000;
/** Bytes of it; it is held in memory. */
const longestDirectory = 2 ** 26;
/** Weights seldom pack to a tenth. Above, an archive is refused unless all of it is small. */
export const mostGrowth = 200;
export const smallContent = 2 ** 26;

const recordSignature = 0x02014b50;
const recordLength = 46;
const methods: ReadonlyMap<number, ArchiveEntry["method"]> = new Map([
  [0, "stored"],
  [8, "deflated"],
]);

const flag = { encrypted: 1, patch: 1 << 5, strong: 1 << 6, utf8: 1 << 11, masked: 1 << 13 } as const;
const unreadable = flag.encrypted | flag.patch | flag.strong | flag.masked;
const unixHosts: ReadonlySet<number> = new Set([3, 19]);
const fileType = { mask: 0o170000, none: 0, file: 0o100000, folder: 0o040000, link: 0o120000 } as const;
const dosFolder = 0x10;
const drive = /^[A-Za-z]:/;

export interface Directory {
  /** In its order. */
  readonly entries: readonly ArchiveEntry[];
  /** Where it begins, and the data of the entries MUST end. */
  readonly position: number;
}

/** @throws ARCHIVE_INVALID and the codes of what is refused */
export function readDirectory(bytes: ArchiveBytes): Directory {
  const place = findDirectory(bytes);
  if (place.entries > mostEntries || place.length > longestDirectory) {
    throw tooMany(bytes);
  }
  const entries = recordsIn(bytes, place).map((record) => entryOf(bytes, record));
  assertNoDuplicate(bytes, entries);
  assertNoBomb(bytes, entries);
  return { entries, position: place.position };
}

function tooMany({ path }: ArchiveBytes) {
  return archiveRefusal("ARCHIVE_TOO_LARGE", path, null, `names more than ${mostEntries} entries or folders`);
}

interface DirectoryRecord {
  readonly head: Buffer;
  readonly name: Buffer;
  readonly extra: Buffer;
}

function recordsIn(bytes: ArchiveBytes, { position, length, entries }: DirectoryPlace): DirectoryRecord[] {
  const directory = bytes.read(position, length);
  const records: DirectoryRecord[] = [];
  let at = 0;
  while (at + recordLength <= length && directory.readUInt32LE(at) === recordSignature) {
    const head = directory.subarray(at, at + recordLength);
    const nameEnd = at + recordLength + head.readUInt16LE(28);
    const extraEnd = nameEnd + head.readUInt16LE(30);
    const end = extraEnd + head.readUInt16LE(32);
    if (end > length) break;
    records.push({
      head,
      name: directory.subarray(at + recordLength, nameEnd),
      extra: directory.subarray(nameEnd, extraEnd),
    });
    at = end;
  }
  if (at === length && records.length === entries) return records;
  throw archiveRefusal(
    "ARCHIVE_INVALID",
    bytes.path,
    null,
    `says that its directory has ${entries} entries in ${length} bytes; it has ${records.length} in ${at}`,
  );
}

function entryOf(bytes: ArchiveBytes, { head, name, extra }: DirectoryRecord): ArchiveEntry {
  const refuse = (code: Parameters<typeof archiveRefusal>[0], reason: string) =>
    archiveRefusal(code, bytes.path, name.toString(), reason);
  const flags = head.readUInt16LE(8);
  const method = methods.get(head.readUInt16LE(10));
  if ((flags & unreadable) !== 0) throw refuse("ARCHIVE_UNSUPPORTED", "is encrypted or a patch");
  if (method === undefined) {
    throw refuse(
      "ARCHIVE_UNSUPPORTED",
      `is packed by method ${head.readUInt16LE(10)}; only 0 and 8 are read`,
    );
  }
  const fields = parseExtraFields(extra);
  const sizes =
    fields &&
    widened(
      [24, 20, 42].map((at) => head.readUInt32LE(at)),
      fields.wide,
    );
  if (fields === null || sizes === null) throw refuse("ARCHIVE_INVALID", "has extra fields that are none");
  if (head.readUInt16LE(34) !== 0) throw refuse("ARCHIVE_UNSUPPORTED", "lies in another part");
  const [size = 0, packedSize = 0, position = 0] = sizes;

  const text = name.toString();
  const isFolder = text.endsWith("/");
  const path = isFolder ? text.slice(0, -1) : text;
  const reason =
    bytesRefusal(name, flags, fields.unicodeName) ??
    (drive.test(path) ? "begins with a drive" : pathRefusal(path));
  if (reason !== null) throw refuse("ARCHIVE_PATH_REFUSED", reason);

  const attributes = head.readUInt32LE(38);
  const mode = attributes >>> 16;
  const type = mode & fileType.mask;
  // Some programs look at the mode whatever the system is that the entry is said to be from.
  if (type === fileType.link)
    throw refuse("ARCHIVE_LINK_REFUSED", "is a symbolic link. Pack the file itself");
  const expected: number = isFolder ? fileType.folder : fileType.file;
  if (type !== fileType.none && type !== expected) {
    throw refuse("ENTRY_REFUSED", "is by its mode no file or folder as its name says");
  }
  if (!isFolder && (mode & 0o6000 || attributes & dosFolder)) {
    throw refuse("ENTRY_REFUSED", "would run as its owner, or is a folder by its attributes");
  }
  if (isFolder && (size !== 0 || packedSize !== 0 || head.readUInt32LE(16) !== 0))
    throw refuse("ARCHIVE_SIZE_WRONG", "is a folder with content");
  if (method === "stored" && size !== packedSize) {
    throw refuse("ARCHIVE_SIZE_WRONG", `is stored, and would have ${size} bytes in ${packedSize}`);
  }
  return {
    kind: isFolder ? "folder" : "file",
    path,
    name,
    executable: !isFolder && unixHosts.has(head.readUInt8(5)) && (mode & 0o100) !== 0,
    flags,
    method,
    crc: head.readUInt32LE(16),
    packedSize,
    size,
    position,
  };
}

/** Without the mark of UTF-8 a name is of a code page that nobody tells. */
function bytesRefusal(name: Buffer, flags: number, unicodeName: Buffer | null): string | null {
  if (unicodeName !== null && !unicodeName.equals(name)) return "has a second name, which is another";
  if (!isUtf8(name)) return "has a name that is not UTF-8";
  const isMarked = (flags & flag.utf8) !== 0 || unicodeName !== null;
  return isMarked || name.every((byte) => byte < 0x80)
    ? null
    : "has a name whose code page is not told. Pack it by a program that marks names as UTF-8, as Python does";
}

function assertNoDuplicate(bytes: ArchiveBytes, entries: readonly ArchiveEntry[]): void {
  const refuse = (path: string, reason: string) =>
    archiveRefusal("ARCHIVE_NAME_DUPLICATE", bytes.path, path, reason);
  const kinds = new Map<string, ArchiveEntry["kind"]>();
  for (const { path, kind } of entries) {
    if (kinds.has(path)) throw refuse(path, "is there twice");
    kinds.set(path, kind);
  }
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (const folder of foldersAbove(path)) folders.add(folder);
    if (folders.size > mostEntries) throw tooMany(bytes);
  }
  for (const folder of folders) {
    if (kinds.get(folder) === "file") throw refuse(folder, "is a file, and others lie in it as in a folder");
  }
  checkCollisions(kinds.keys(), bytes.path);
}

/** Nothing is unpacked into memory or onto the disk; but to hash a petabyte of zeros takes years. */
function assertNoBomb(bytes: ArchiveBytes, entries: readonly ArchiveEntry[]): void {
  const content = entries.reduce((sum, { size }) => sum + size, 0);
  if (content <= Math.max(smallContent, mostGrowth * bytes.size)) return;
  throw archiveRefusal(
    "ARCHIVE_TOO_LARGE",
    bytes.path,
    null,
    `would unpack to ${content} bytes, more than ${mostGrowth} times what it is`,
  );
}
