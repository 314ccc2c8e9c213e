/**
 * The two ciphers of masking, both in Galois/counter mode (NIST SP 800-38D; RFC 8998 for SM4): 96 bits of IV, 128 bits of
 * tag. ECB shows equal values as equal and is refused by name; what is not in the table is not known.
 */
import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  getCiphers,
  randomFillSync,
} from "node:crypto";
import { auditErrors } from "../errors.ts";

export const cipherNames = ["aes-256-gcm", "sm4-gcm"] as const;
export type CipherName = (typeof cipherNames)[number];

export const cipherKeyBytes: Readonly<Record<CipherName, number>> = { "aes-256-gcm": 32, "sm4-gcm": 16 };
export const IV_BYTES = 12;
export const TAG_BYTES = 16;

export interface Sealed {
  readonly data: Buffer;
  readonly tag: Buffer;
}

/** @throws CIPHER_REFUSED */
export function assertCipher(name: string, pointer: string): asserts name is CipherName {
  const refuse = (message: string) =>
    auditErrors.error("CIPHER_REFUSED", message, { details: { pointer, cipher: name } });
  if (/ecb/i.test(name)) {
    throw refuse(
      `${pointer} names ${name}: ECB shows which values are equal. Name one of ${cipherNames.join(", ")}.`,
    );
  }
  if (!cipherNames.some((each) => each === name)) {
    throw refuse(`${pointer} names the cipher ${name}. Name one of ${cipherNames.join(", ")}.`);
  }
  if (!getCiphers().includes(name)) {
    throw refuse(
      `${pointer} names ${name}, which Node.js ${process.versions.node} does not have. Use 26 or newer, or name aes-256-gcm.`,
    );
  }
}

export function seal(
  cipher: CipherName,
  key: Uint8Array,
  iv: Uint8Array,
  bound: Uint8Array,
  plain: Uint8Array,
): Sealed {
  const sealing = createCipheriv(nodeName(cipher), key, iv, { authTagLength: TAG_BYTES });
  sealing.setAAD(bound, { plaintextLength: plain.length });
  const first = sealing.update(plain);
  const last = sealing.final();
  return { data: last.length === 0 ? first : Buffer.concat([first, last]), tag: sealing.getAuthTag() };
}

/** Null where key, IV, tag, what it is bound to or a byte is another. */
export function unseal(
  cipher: CipherName,
  key: Uint8Array,
  iv: Uint8Array,
  bound: Uint8Array,
  { data, tag }: Sealed,
): Buffer | null {
  const opening = createDecipheriv(nodeName(cipher), key, iv, { authTagLength: TAG_BYTES });
  opening.setAAD(bound, { plaintextLength: data.length });
  opening.setAuthTag(tag);
  const first = opening.update(data);
  try {
    return Buffer.concat([first, opening.final()]);
  } catch {
    // The one thing that `final` says is that the tag does not fit.
    first.fill(0);
    return null;
  }
}

/** The types of Node do not name SM4-GCM yet, which Node 26 has. */
function nodeName(cipher: string): CipherGCMTypes {
  return cipher as CipherGCMTypes;
}

const PREFIX = 7;
const COUNTS = 2 ** ((IV_BYTES - PREFIX) * 8);

/**
 * IVs of which no two are equal: 56 random bits of this source and a counter of 40. Purely random ones would limit a key to
 * 2^32 uses; two of 10,000 sources have the same prefix with a probability below 1e-9.
 */
export function createIvSource(): () => Buffer {
  const prefix = Buffer.alloc(PREFIX);
  let count = COUNTS;
  return () => {
    if (count === COUNTS) {
      randomFillSync(prefix);
      count = 0;
    }
    const iv = Buffer.allocUnsafe(IV_BYTES);
    prefix.copy(iv);
    iv.writeUIntBE(count++, PREFIX, IV_BYTES - PREFIX);
    return iv;
  };
}
