/**
 * An encrypted field as it stands in an event, alone or within a text: its cipher, the id of its key, IV, tag and bytes.
 *
 *     [enc1.aes-256-gcm.AAAAAcU3Xn8KAiCd.R1m0gQ5T7nUAAAAB.kq3...Zw.c2VjcmV0]
 *
 * It is bound to its event, its member and its place in there: put anywhere else it does not open.
 */
import {
  type CipherName,
  cipherNames,
  IV_BYTES,
  type Sealed,
  seal,
  TAG_BYTES,
  unseal,
} from "../keys/authenticated-cipher.ts";
import type { SubjectKey } from "../keys/find-key.ts";

/** The id of the event, "sub.id", and how many encrypted fields stand before it in that member. */
export interface FieldPlace {
  readonly event: string;
  readonly member: string;
  readonly ordinal: number;
}

export interface EncryptedField {
  readonly cipher: CipherName;
  readonly keyId: string;
  readonly iv: Buffer;
  readonly sealed: Sealed;
}

/** Of 12 bytes, of 12, and of 16. */
const form = new RegExp(
  String.raw`\[enc1\.(${cipherNames.join("|")})\.([\w-]{16})\.([\w-]{16})\.([\w-]{22})\.([\w-]+)\]`,
  "g",
);

export function encryptField(
  plain: string,
  { id, cipher, key }: SubjectKey,
  iv: Buffer,
  place: FieldPlace,
): string {
  const { data, tag } = seal(cipher, key, iv, boundTo(place), Buffer.from(plain));
  const encoded = [iv, tag, data].map((bytes) => bytes.toString("base64url")).join(".");
  return `[enc1.${cipher}.${id}.${encoded}]`;
}

/** Null where it was changed, or belongs to another place or another key. */
export function decryptField(
  { cipher, iv, sealed }: EncryptedField,
  key: SubjectKey,
  place: FieldPlace,
): string | null {
  if (cipher !== key.cipher) return null;
  return unseal(cipher, key.key, iv, boundTo(place), sealed)?.toString("utf8") ?? null;
}

/** @param replace is given each field in the text, in order */
export function replaceFields(
  text: string,
  replace: (field: EncryptedField, ordinal: number) => string,
): string {
  let ordinal = 0;
  return text.replace(
    form,
    (whole: string, name: string, keyId: string, iv: string, tag: string, data: string) => {
      const cipher = cipherNames.find((each) => each === name);
      const bytes = { iv: Buffer.from(iv, "base64url"), tag: Buffer.from(tag, "base64url") };
      if (!cipher || bytes.iv.length !== IV_BYTES || bytes.tag.length !== TAG_BYTES) return whole;
      const sealed = { tag: bytes.tag, data: Buffer.from(data, "base64url") };
      return replace({ cipher, keyId, iv: bytes.iv, sealed }, ordinal++);
    },
  );
}

/** A text that comes in may have what looks like fields: those after them count from there. */
export function countFields(text: string): number {
  let count = 0;
  if (text.includes("[enc1.")) replaceFields(text, () => String(count++));
  return count;
}

function boundTo({ event, member, ordinal }: FieldPlace): Buffer {
  return Buffer.from(JSON.stringify([event, member, ordinal]));
}
