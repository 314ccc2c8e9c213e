/**
 * The record of one subject's keys, 136 bytes at its number times 136 in the file:
 *
 *     0   4  "CSK1", or "CSK0" of an erased one, whose bytes from 12 to 132 are nought
 *     4   8  nonce: random; with the number it names the key, and stays
 *    12   8  generation of the key that it is wrapped under
 *    20  16  tag: HMAC of the subject under the index key; nothing here says who it is
 *    36  12  IV
 *    48  16  tag of the cipher
 *    64  64  data key (32 bytes, of which SM4 uses 16) and salt (32), wrapped
 *   128   4  nought
 *   132   4  CRC-32 of all before
 *
 * All fields before the wrapped ones and the number are bound to them, so that no record can stand for another.
 */
import { crc32 } from "node:zlib";

export const RECORD_BYTES = 136;
export const NONCE_BYTES = 8;
export const GENERATION_BYTES = 8;
export const SUBJECT_TAG_BYTES = 16;
/** Data key and salt. */
export const SECRET_BYTES = 64;

const LIVE = Buffer.from("CSK1");
const ERASED = Buffer.from("CSK0");
const CRC_AT = 132;

export interface KeyRecord {
  readonly nonce: Buffer;
  readonly generation: Buffer;
  readonly tag: Buffer;
  readonly iv: Buffer;
  readonly cipherTag: Buffer;
  readonly wrapped: Buffer;
}

export type FoundRecord =
  | ({ readonly state: "live" } & KeyRecord)
  | { readonly state: "erased"; readonly nonce: Buffer }
  /** Never wholly written, or damaged. */
  | { readonly state: "unreadable" };

export function encodeRecord(record: KeyRecord): Buffer {
  const { nonce, generation, tag, iv, cipherTag, wrapped } = record;
  return withCrc(Buffer.concat([LIVE, nonce, generation, tag, iv, cipherTag, wrapped], RECORD_BYTES));
}

export function encodeErased(nonce: Uint8Array): Buffer {
  return withCrc(Buffer.concat([ERASED, nonce], RECORD_BYTES));
}

function withCrc(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** @param bytes of one record; fewer are unreadable */
export function parseRecord(bytes: Buffer): FoundRecord {
  if (bytes.length !== RECORD_BYTES || bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) {
    return { state: "unreadable" };
  }
  const magic = bytes.subarray(0, 4);
  const nonce = bytes.subarray(4, 12);
  if (magic.equals(ERASED)) return { state: "erased", nonce };
  if (!magic.equals(LIVE)) return { state: "unreadable" };
  return {
    state: "live",
    nonce,
    generation: bytes.subarray(12, 20),
    tag: bytes.subarray(20, 36),
    iv: bytes.subarray(36, 48),
    cipherTag: bytes.subarray(48, 64),
    wrapped: bytes.subarray(64, 128),
  };
}

/** What a record's secrets are bound to. */
export function boundOf(
  number: number,
  { nonce, generation, tag }: Pick<KeyRecord, "nonce" | "generation" | "tag">,
): Buffer {
  const at = Buffer.alloc(4);
  at.writeUInt32BE(number);
  return Buffer.concat([LIVE, at, nonce, generation, tag]);
}

/** The id of a subject's key: its number and nonce, 16 characters of base64url. */
export function keyIdOf(number: number, nonce: Uint8Array): string {
  const bytes = Buffer.alloc(4 + NONCE_BYTES);
  bytes.writeUInt32BE(number);
  bytes.set(nonce, 4);
  return bytes.toString("base64url");
}

export function parseKeyId(id: string): { readonly number: number; readonly nonce: Buffer } | null {
  const bytes = Buffer.from(id, "base64url");
  if (bytes.length !== 4 + NONCE_BYTES) return null;
  return { number: bytes.readUInt32BE(), nonce: bytes.subarray(4) };
}
