/** ZIP archives made byte by byte for tests, sound ones and such as no program would make (APPNOTE 6.3.10). */
import { crc32, deflateRawSync } from "node:zlib";

export interface Header {
  name: Buffer;
  flags: number;
  method: number;
  crc: number;
  packedSize: number;
  size: number;
  extra: Buffer;
}

export interface ZipEntry {
  readonly name: string | Buffer;
  readonly content?: Uint8Array;
  readonly deflate?: boolean;
  /** The data as they stand there, instead of those of the content. */
  readonly packed?: Buffer;
  readonly flags?: number;
  /** Default 0o100644. */
  readonly mode?: number;
  /** Default 3, Unix. */
  readonly host?: number;
  /** Bit 4 means a folder. */
  readonly dosAttributes?: number;
  /** What the local header says instead, and what the directory says. */
  readonly local?: Partial<Header>;
  readonly central?: Partial<Header>;
  /** In both. */
  readonly both?: Partial<Header>;
  /** Behind the data. */
  readonly behind?: (header: Header) => Buffer;
  /** Before the local header, part of no entry. */
  readonly before?: Buffer;
  /** That the directory says. */
  readonly position?: number;
  readonly disk?: number;
}

export interface ZipEnd {
  readonly comment?: Buffer;
  readonly behindDirectory?: Buffer;
  readonly wide?: "sound" | ((record: Buffer, locator: Buffer) => void);
  readonly edit?: (end: Buffer) => void;
}

export const u16 = (value: number) => Buffer.from(Uint16Array.of(value).buffer);
export const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
export const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
export const extraField = (id: number, data: Buffer) => Buffer.concat([u16(id), u16(data.length), data]);

export function zipBytes(entries: readonly ZipEntry[], end: ZipEnd = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  const put = (...pieces: Buffer[]) => {
    for (const piece of pieces) {
      parts.push(piece);
      position += piece.length;
    }
  };
  for (const entry of entries) {
    const {
      content = Buffer.alloc(0),
      deflate = false,
      mode = 0o100644,
      host = 3,
      dosAttributes = 0,
    } = entry;
    const packed = entry.packed ?? (deflate ? deflateRawSync(content) : Buffer.from(content));
    const sound: Header = {
      name: Buffer.from(entry.name),
      flags: entry.flags ?? 0,
      method: deflate ? 8 : 0,
      crc: crc32(content),
      packedSize: packed.length,
      size: content.length,
      extra: Buffer.alloc(0),
      ...entry.both,
    };
    put(entry.before ?? Buffer.alloc(0));
    const at = entry.position ?? position;
    const local = { ...sound, ...entry.local };
    put(u32(0x04034b50), u16(20), shared(local), local.name, local.extra, packed);
    put(entry.behind?.(sound) ?? Buffer.alloc(0));
    const central = { ...sound, ...entry.central };
    directory.push(
      Buffer.concat([
        ...[u32(0x02014b50), u16(20 | (host << 8)), u16(20), shared(central)],
        ...[u16(0), u16(entry.disk ?? 0), u16(0), u32(((mode << 16) | dosAttributes) >>> 0), u32(at)],
        ...[central.name, central.extra],
      ]),
    );
  }
  const start = position;
  put(...directory);
  const length = position - start;
  put(end.behindDirectory ?? Buffer.alloc(0));
  if (end.wide) {
    const record = Buffer.concat([
      ...[u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0)],
      ...[u64(entries.length), u64(entries.length), u64(length), u64(start)],
    ]);
    const locator = Buffer.concat([u32(0x07064b50), u32(0), u64(position), u32(1)]);
    if (end.wide !== "sound") end.wide(record, locator);
    put(record, locator);
  }
  const comment = end.comment ?? Buffer.alloc(0);
  const last = Buffer.concat([
    ...[u32(0x06054b50), u16(0), u16(0), u16(entries.length), u16(entries.length)],
    ...[u32(length), u32(start), u16(comment.length), comment],
  ]);
  if (end.wide) last.fill(0xff, 8, 20);
  end.edit?.(last);
  put(last);
  return Buffer.concat(parts);
}

/** From the flags to the lengths, which both headers have; a time of 0 is none. */
function shared({ flags, method, crc, packedSize, size, name, extra }: Header): Buffer {
  return Buffer.concat([
    ...[u16(flags), u16(method), u32(0x00210000), u32(crc), u32(packedSize), u32(size)],
    ...[u16(name.length), u16(extra.length)],
  ]);
}

/** What tells checksum and sizes behind the data. */
export function descriptor(signed: boolean, wide: boolean) {
  return ({ crc, packedSize, size }: Header): Buffer => {
    const number = wide ? u64 : u32;
    return Buffer.concat([
      signed ? u32(0x08074b50) : Buffer.alloc(0),
      ...[u32(crc), number(packedSize), number(size)],
    ]);
  };
}
