/** The inside of a thread that digests: which one depends on what the files lie in, a folder or an archive. */
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import type { Digests, HashName } from "./manifest.ts";

/** Plain data only. */
export interface DigestTask<Item, Hash extends HashName = HashName> {
  readonly place: string;
  readonly items: readonly Item[];
  readonly hashNames: readonly Hash[];
}

/** In the order of the items. */
export type TaskDigests<Hash extends HashName = HashName> = readonly Digests<Hash>[];

/** Of all threads together: how many bytes are hashed and not told yet. */
export type ByteCounter = BigInt64Array<SharedArrayBuffer>;

export interface DigestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of each piece that is hashed. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Digests one file. @param place the folder or archive that it lies in */
export type DigestOne<Item> = <Hash extends HashName>(
  place: string,
  item: Item,
  hashNames: readonly Hash[],
  options: DigestOptions,
) => Promise<Digests<Hash>>;

/** Call it once, in the entry of a thread that a pool started. */
export function serveDigests<Item>(digestOne: DigestOne<Item>): void {
  const counter: ByteCounter = workerData;
  const onBytes = (count: number) => Atomics.add(counter, 0, BigInt(count));
  serveThread<DigestTask<Item>, TaskDigests>({
    async perform({ place, items, hashNames }, signal) {
      const result = [];
      for (const item of items) result.push(await digestOne(place, item, hashNames, { signal, onBytes }));
      return { result };
    },
  });
}
