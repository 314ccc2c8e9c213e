/**
 * The digests of many files, by a thread a core. The largest go first, so that none is begun when the others are done;
 * small ones go together. Memory is a piece a thread, whatever the files are. Little is not worth a thread's start.
 */
import { availableParallelism } from "node:os";
import { baseErrors, OwnedThread, silentProgress, type WorkOptions } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import type { Digests, HashName } from "./manifest.ts";
import type { ByteCounter, DigestOne, DigestTask, TaskDigests } from "./serve-digests.ts";

/** Hashed in about the time that a thread takes to start. */
const bytesWithoutThreads = 2 ** 24;
const batchBytes = 2 ** 20;
const batchFiles = 64;
/** Milliseconds between two looks at how far the threads are. */
const lookMs = 100;

export interface DigestPoolOptions extends WorkOptions {
  /** Threads; 0 for none. Default: one a core, and none below 16 MiB. */
  readonly workers?: number | undefined;
}

interface SizedItem {
  readonly path: string;
  /** Bytes to hash. */
  readonly size: number;
}

export interface DigestSource<Item extends SizedItem> {
  /** The folder or archive. */
  readonly place: string;
  readonly digestOne: DigestOne<Item>;
  /** The module of a thread that serves the same. */
  readonly thread: URL;
}

/** By path. @throws what `digestOne` throws, OPTION_INVALID, THREAD_CRASHED */
export async function digestAll<Item extends SizedItem, Hash extends HashName>(
  { place, digestOne, thread }: DigestSource<Item>,
  items: readonly Item[],
  hashNames: readonly Hash[],
  { workers, signal, progress = silentProgress }: DigestPoolOptions = {},
): Promise<ReadonlyMap<string, Digests<Hash>>> {
  const bytes = items.reduce((sum, { size }) => sum + size, 0);
  const batches = inBatches(items.toSorted((one, other) => other.size - one.size));
  const threads = workers ?? (bytes < bytesWithoutThreads ? 0 : availableParallelism());
  if (!Number.isSafeInteger(threads) || threads < 0) {
    throw baseErrors.error("OPTION_INVALID", `workers is ${threads}. Give a whole number of at least 0.`);
  }
  const digests = new Map<string, Digests<Hash>>();
  using bar = progress.start(`Reading ${place}`, bytes, "bytes");
  if (threads === 0) {
    const onBytes = (count: number) => bar.advance(count);
    for (const item of batches.flat()) {
      digests.set(item.path, await digestOne(place, item, hashNames, { signal, onBytes }));
    }
    return digests;
  }
  const counter: ByteCounter = new BigInt64Array(new SharedArrayBuffer(8));
  const advance = () => bar.advance(Number(Atomics.exchange(counter, 0, 0n)));
  const looks = setInterval(advance, lookMs);
  const pool = Array.from({ length: Math.min(threads, batches.length) }, () =>
    openThread<Item, Hash>(thread, counter),
  );
  try {
    await Promise.all(
      pool.map(async (each) => {
        for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
          const results = await each.perform(
            { place, items: batch, hashNames },
            { signal, what: `Reading ${place}` },
          );
          for (const [i, { path }] of batch.entries()) digests.set(path, results[i]!);
        }
      }),
    );
  } finally {
    clearInterval(looks);
    await Promise.all(pool.map((each) => each.close()));
    advance();
  }
  return digests;
}

function inBatches<Item extends SizedItem>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const batch = batches.at(-1);
    bytes += item.size;
    if (batch === undefined || bytes > batchBytes || batch.length === batchFiles) {
      batches.push([item]);
      bytes = item.size;
    } else {
      batch.push(item);
    }
  }
  return batches;
}

function openThread<Item, Hash extends HashName>(
  thread: URL,
  counter: ByteCounter,
): OwnedThread<DigestTask<Item, Hash>, TaskDigests<Hash>> {
  return new OwnedThread(thread, {
    name: "cupel-digest",
    data: counter,
    closed: () => attestErrors.error("FOLDER_UNREADABLE", "The reading was ended by another failure."),
    advice: "Nothing was attested. Try again.",
    youngGenerationMiB: 1,
  });
}
