/** The keys of subjects for who may read: nothing is made, locked or written, and a record may be written meanwhile. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { unfinishedIn } from "./erasure-journal.ts";
import { findKey, type SubjectKeyReader } from "./find-key.ts";
import { openGenerations } from "./generations.ts";
import type { KeyProvider } from "./key-provider.ts";
import { RECORD_BYTES } from "./key-record.ts";

/**
 * No key is kept between two calls: one that is erased meanwhile is told as erased.
 * @throws MASKING_KEY_INVALID, KEY_PROVIDER_UNAVAILABLE, SUBJECT_KEYS_DAMAGED
 */
export async function openSubjectKeyReader(
  folder: string,
  provider: KeyProvider,
): Promise<SubjectKeyReader & Disposable> {
  const generations = await openGenerations(join(folder, "generations.json"), provider, null);
  const journal = join(folder, "erasures.jsonl");
  const file = openSync(join(folder, "subjects"), "r");
  const bytesOf = (number: number): Buffer => {
    const position = number * RECORD_BYTES;
    if (position + RECORD_BYTES > fstatSync(file).size) return Buffer.alloc(0);
    const bytes = Buffer.alloc(RECORD_BYTES);
    return bytes.subarray(0, readSync(file, bytes, 0, RECORD_BYTES, position));
  };
  return {
    find(keyId) {
      const unfinished = unfinishedIn(readFileSync(journal), journal);
      return findKey({ generations, unfinished, bytesOf }, keyId);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}
