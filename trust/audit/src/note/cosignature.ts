/**
 * What a witness signs, https://c2sp.org/tlog-cosignature (Ed25519, "cosignature/v1"): the text of a checkpoint and the
 * time, and so that of all the log's states it has seen this one is consistent with the rest and the largest. Of lines
 * after the third it says nothing.
 */
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

export interface Cosignature {
  /** Since 1970. 64 bits, of which the specification allows 63. */
  readonly seconds: bigint;
  /** Ed25519, over `cosignedMessage`. */
  readonly signature: Buffer;
}

/** @param text of the checkpoint, with its last newline and without signatures */
export function cosignedMessage(text: Uint8Array, seconds: bigint): Buffer {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${seconds}\n`), text]);
}

/** Null where the bytes are none. */
export function splitCosignature(bytes: Uint8Array): Cosignature | null {
  const buffer = Buffer.from(bytes);
  if (buffer.byteLength !== TIME_BYTES + SIGNATURE_BYTES) return null;
  const seconds = buffer.readBigUInt64BE();
  return seconds < 2n ** 63n ? { seconds, signature: buffer.subarray(TIME_BYTES) } : null;
}

export function writeCosignature(seconds: number, signature: Uint8Array): Buffer {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(seconds));
  return Buffer.concat([time, signature]);
}
