/** What the owner of a digesting thread and the thread tell each other. Plain data only. */
import type { FileToDigest } from "./digest-file.ts";
import type { Digests, HashName } from "./manifest.ts";

export interface DigestTask<Hash extends HashName = HashName> {
  readonly root: string;
  readonly files: readonly FileToDigest[];
  readonly hashNames: readonly Hash[];
}

/** In the order of the files. */
export type TaskDigests<Hash extends HashName = HashName> = readonly Digests<Hash>[];

/** Of all threads together: how many bytes are hashed. */
export type ByteCounter = BigInt64Array<SharedArrayBuffer>;
