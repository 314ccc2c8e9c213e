/** Several digests of the same bytes, taken piece by piece. */
import { createHash } from "node:crypto";
import type { Digests, HashName } from "./manifest.ts";

/** Bytes: a piece of this size is still in the processor's cache when the second hash takes it. */
export const pieceBytes = 2 ** 18;

export interface RunningDigests<Hash extends HashName> {
  update(piece: Uint8Array): void;
  /** Once, at the end. */
  finish(): Digests<Hash>;
}

export function startDigests<Hash extends HashName>(hashNames: readonly Hash[]): RunningDigests<Hash> {
  const hashes = hashNames.map((name) => ({ name, hash: createHash(name) }));
  return {
    update(piece) {
      for (const { hash } of hashes) hash.update(piece);
    },
    finish() {
      const digests = hashes.map(({ name, hash }) => [name, hash.digest("hex")]);
      // One for each name of Hash, which the type of fromEntries forgets.
      return Object.fromEntries(digests) as Digests<Hash>;
    },
  };
}
