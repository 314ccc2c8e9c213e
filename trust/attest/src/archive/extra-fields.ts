/** The extra fields of an entry, APPNOTE section 4.5: sizes beyond 4 GiB, and a second name. */

const wideId = 0x0001;
const unicodeNameId = 0x7075;

export interface ExtraFields {
  readonly wide: Buffer | null;
  /** A name that some programs take instead of the entry's, as its bytes. */
  readonly unicodeName: Buffer | null;
}

/** Null where the bytes are no fields, or one is there twice. */
export function parseExtraFields(bytes: Buffer): ExtraFields | null {
  const fields = new Map<number, Buffer>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const id = bytes.readUInt16LE(at);
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (end > bytes.length || (fields.has(id) && id !== 0)) return null;
    fields.set(id, bytes.subarray(at + 4, end));
    at = end;
  }
  // Programs that align data fill up with zeros.
  if (bytes.subarray(at).some((byte) => byte !== 0)) return null;
  const name = fields.get(unicodeNameId);
  return {
    wide: fields.get(wideId) ?? null,
    // A version and a checksum come before it.
    unicodeName: name === undefined ? null : name.subarray(5),
  };
}

const full = 0xffffffff;

/** The numbers that do not fit into their four bytes stand in the zip64 field, in this order. Null where one is missing or too large. */
export function widened(values: readonly number[], field: Buffer | null): number[] | null {
  let at = 0;
  const result: number[] = [];
  for (const value of values) {
    if (value !== full) {
      result.push(value);
      continue;
    }
    if (field === null || at + 8 > field.length) return null;
    const real = field.readBigUInt64LE(at);
    if (real > BigInt(Number.MAX_SAFE_INTEGER)) return null;
    result.push(Number(real));
    at += 8;
  }
  return result;
}
