/**
 * The little of DER (ITU-T X.690) that time stamps need. Strict: definite lengths in their shortest form, tags below 31,
 * nothing after the end. What is read comes from outside; each step checks what it takes.
 */

/** Identifier octets. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** [n], constructed: of an explicit tag, or of an implicit one on a sequence or set. */
export function contextTag(number: number): number {
  return 0xa0 + number;
}

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Says where and what, for the caller's error. */
export class DerError extends Error {}

/** One value and nothing after it. @throws DerError */
export function readDer(bytes: Buffer): DerValue {
  const values = readAll(bytes);
  const [value] = values;
  if (value === undefined || values.length > 1) throw new DerError("it is not one value of DER");
  return value;
}

/** The values inside. @throws DerError where it is of another tag */
export function childrenOf(value: DerValue | undefined, tag: number): DerValue[] {
  return readAll(contentOf(value, tag));
}

/** @throws DerError where it is absent or of another tag */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) {
    const found = value === undefined ? "its end" : hex(value.tag);
    throw new DerError(`${found} stands where a value of tag ${hex(tag)} belongs`);
  }
  return value.content;
}

function readAll(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new DerError("it has a tag above 30");
    const { begin, length } = readLength(bytes, at + 1);
    const end = begin + length;
    if (end > bytes.byteLength) throw new DerError("a value goes beyond its end");
    values.push({ tag, content: bytes.subarray(begin, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}

function readLength(bytes: Buffer, at: number): { readonly begin: number; readonly length: number } {
  const first = bytes[at];
  if (first === undefined) throw new DerError("it ends before a length");
  if (first < 0x80) return { begin: at + 1, length: first };
  const count = first - 0x80;
  const begin = at + 1 + count;
  if (count === 0 || count > 4 || begin > bytes.byteLength) throw new DerError("a length is not one of DER");
  const length = bytes.readUIntBE(at + 1, count);
  // The shortest form: no zero byte first, and none where one byte would do.
  if (length < 0x80 || bytes[at + 1] === 0) throw new DerError("a length is longer than it need be");
  return { begin, length };
}

/** Dotted, such as "1.2.840.113549.1.7.2". @throws DerError */
export function readOid(value: DerValue | undefined): string {
  const content = contentOf(value, derTags.oid);
  const parts: number[] = [];
  let part = 0;
  for (const byte of content) {
    part = part * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(part)) throw new DerError("an identifier has a number that is too large");
    if (byte & 0x80) continue;
    parts.push(part);
    part = 0;
  }
  const last = content.at(-1);
  if (last === undefined || last & 0x80) throw new DerError("an identifier has no end");
  const [first = 0, ...rest] = parts;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join(".");
}

export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { byteLength } = content;
  if (byteLength < 0x80) return Buffer.concat([Buffer.of(tag, byteLength), content]);
  const digits = byteLength.toString(16);
  const length = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 + length.byteLength), length, content]);
}

/** @param oid dotted, its first two parts below 40 */
export function writeOid(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split(".").map(Number);
  const bytes = rest.flatMap((part) => {
    const groups = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 + (left % 128));
    }
    return groups;
  });
  return writeDer(derTags.oid, Buffer.from([40 * first + second, ...bytes]));
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, "0")}`;
}
