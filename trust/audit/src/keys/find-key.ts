/** Keys as they lie in a file of records: by number, or by the id that stands in an encrypted field. */
import { type CipherName, cipherKeyBytes, unseal } from "./authenticated-cipher.ts";
import type { ErasedRecord } from "./erasure-journal.ts";
import type { Generation, Generations } from "./generations.ts";
import { boundOf, keyIdOf, parseKeyId, parseRecord } from "./key-record.ts";

export interface SubjectKey {
  readonly id: string;
  readonly cipher: CipherName;
  readonly key: Buffer;
  /** Of the pseudonyms; a key that is renewed keeps it. */
  readonly salt: Buffer;
}

export interface SubjectKeyReader {
  /** @param keyId as it stands in an encrypted field */
  find(keyId: string): SubjectKey | "erased" | "unknown";
}

export interface KeyRecords {
  readonly generations: Generations;
  /** Erasures that were begun: what they name is erased, whatever the file still holds. */
  readonly unfinished: ReadonlyMap<number, readonly ErasedRecord[]>;
  /** Fewer than a record, or none, past the end. */
  bytesOf(number: number): Buffer;
}

/** In a record's secrets; before it lies the data key. */
export const SALT_AT = 32;

export interface OpenedRecord {
  readonly key: SubjectKey;
  readonly generation: Generation;
}

/** Null where it is erased, damaged, or wrapped under a generation that is not there. */
export function openRecord({ generations, bytesOf }: KeyRecords, number: number): OpenedRecord | null {
  const record = parseRecord(bytesOf(number));
  if (record.state !== "live") return null;
  const generation = generations.find(record.generation);
  if (generation === null) return null;
  const sealed = { data: record.wrapped, tag: record.cipherTag };
  const bound = boundOf(number, record);
  const secret = unseal(generation.cipher, generation.key, record.iv, bound, sealed);
  return secret && { key: keyFrom(number, record.nonce, generation, secret), generation };
}

export function keyFrom(
  number: number,
  nonce: Uint8Array,
  { cipher }: Generation,
  secret: Buffer,
): SubjectKey {
  const key = secret.subarray(0, cipherKeyBytes[cipher]);
  return { id: keyIdOf(number, nonce), cipher, key, salt: secret.subarray(SALT_AT) };
}

export function findKey(records: KeyRecords, keyId: string): SubjectKey | "erased" | "unknown" {
  const named = parseKeyId(keyId);
  if (named === null) return "unknown";
  const nonce = named.nonce.toString("base64url");
  for (const erased of records.unfinished.values()) {
    if (erased.some((each) => each.number === named.number && each.nonce === nonce)) return "erased";
  }
  const record = parseRecord(records.bytesOf(named.number));
  if (record.state === "unreadable" || !record.nonce.equals(named.nonce)) return "unknown";
  if (record.state === "erased") return "erased";
  return openRecord(records, named.number)?.key ?? "unknown";
}
