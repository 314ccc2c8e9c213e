/**
 * The digests of many files, by a thread a core. The largest go first, so that none is begun when the others are done;
 * small ones go together. Memory is a piece a thread, whatever the files are. Little is not worth a thread's start.
 */
import { availableParallelism } from "node:os";
import { moduleBeside, OwnedThread, silentProgress, type WorkOptions } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { digestFile, type FileToDigest } from "./digest-file.ts";
import type { ByteCounter, DigestTask, TaskDigests } from "./digest-task.ts";
import type { Digests, HashName } from "./manifest.ts";

/** Hashed in about the time that a thread takes to start. */
const bytesWithoutThreads = 2 ** 24;
const batchBytes = 2 ** 20;
const batchFiles = 64;
/** Milliseconds between two looks at how far the threads are. */
const lookMs = 100;

export interface DigestFilesOptions extends WorkOptions {
  /** Threads; 0 for none. Default: one a core, and none below 16 MiB. */
  readonly workers?: number | undefined;
}

interface SizedFile extends FileToDigest {
  readonly size: number;
}

/** By path. @throws what `digestFile` throws, THREAD_CRASHED */
export async function digestFiles<Hash extends HashName>(
  root: string,
  files: readonly SizedFile[],
  hashNames: readonly Hash[],
  { workers, signal, progress = silentProgress }: DigestFilesOptions = {},
): Promise<ReadonlyMap<string, Digests<Hash>>> {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const batches = inBatches(files.toSorted((one, other) => other.size - one.size));
  const threads = workers ?? (bytes < bytesWithoutThreads ? 0 : availableParallelism());
  const digests = new Map<string, Digests<Hash>>();
  using bar = progress.start(`Reading ${root}`, bytes, "bytes");
  if (threads === 0) {
    const onBytes = (count: number) => bar.advance(count);
    for (const file of batches.flat()) {
      digests.set(file.path, await digestFile(root, file, hashNames, { signal, onBytes }));
    }
    return digests;
  }
  const counter: ByteCounter = new BigInt64Array(new SharedArrayBuffer(8));
  const advance = () => bar.advance(Number(Atomics.exchange(counter, 0, 0n)));
  const looks = setInterval(advance, lookMs);
  const pool = Array.from({ length: Math.min(threads, batches.length) }, () => openThread<Hash>(counter));
  try {
    await Promise.all(
      pool.map(async (thread) => {
        for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
          const results = await thread.perform(
            { root, files: batch, hashNames },
            { signal, what: `Reading ${root}` },
          );
          for (const [i, { path }] of batch.entries()) digests.set(path, results[i]!);
        }
      }),
    );
  } finally {
    clearInterval(looks);
    await Promise.all(pool.map((thread) => thread.close()));
    advance();
  }
  return digests;
}

function inBatches(files: readonly SizedFile[]): SizedFile[][] {
  const batches: SizedFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const batch = batches.at(-1);
    if (batch === undefined || bytes + file.size > batchBytes || batch.length === batchFiles) {
      batches.push([file]);
      bytes = file.size;
    } else {
      batch.push(file);
      bytes += file.size;
    }
  }
  return batches;
}

function openThread<Hash extends HashName>(
  counter: ByteCounter,
): OwnedThread<DigestTask<Hash>, TaskDigests<Hash>> {
  return new OwnedThread(moduleBeside(import.meta.url, "digest-thread"), {
    name: "cupel-digest",
    data: counter,
    closed: () => attestErrors.error("FOLDER_UNREADABLE", "The reading was ended by another failure."),
    advice: "Nothing was attested. Try again.",
  });
}
