/**
 * Base64 as notes have it (RFC 4648 section 4), read strictly: one text for one value, so that nobody can change a
 * file of proofs without changing what it says.
 */

/** Null where the text is not exactly what encoding its bytes would give. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
