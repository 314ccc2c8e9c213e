/** Bytes that a text carries. */

/** Null where the text is not base64 (RFC 4648, section 4). */
export function base64Bytes(text: string): Uint8Array | null {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
}
