/**
 * Digests of files that were hashed before, by what the system says of a file: device, inode, mode, size and the nanoseconds of
 * its last changes. It spares the reading of what nobody touched. It is no proof: whoever can write the cache, the disk
 * below the file system, or a page that a process still has mapped, changes a file without its knowledge. So it is for
 * sealing again, and not for verifying what strangers could touch.
 *
 * A file that was changed shortly before it was hashed is not kept: another write within the same tick of the clock would
 * leave the same times (git calls that racy).
 *
 * The file is text, as long as it is whole:
 *
 *     cupel-digests 1 SHA-256-OF-THE-REST
 *     DEVICE INODE MODE SIZE MTIME CTIME SHA-256 SM3
 */
import { hash } from "node:crypto";
import { chmod, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import {
  assertWritable,
  baseErrors,
  type Clock,
  openRegular,
  systemClock,
  writeFileAtomically,
} from "@cupel/base";
import type { Digests } from "./manifest.ts";
import type { FileState } from "./walk-folder.ts";

export interface DigestCacheOptions {
  /** Outside the folder. It is made where there is none, for its owner only; one that others may write is not believed. */
  readonly file: string;
  /** When true, nothing in it is believed; every file is read, and the cache is made anew. Default false. */
  readonly distrust?: boolean | undefined;
  /** Default the system's. */
  readonly clock?: Clock | undefined;
}

export interface DigestCache {
  /** Null where the file was not hashed before, or was touched since. */
  digestsOf(file: FileState): Digests | null;
  /** @param digests by path, of those that were hashed now. @throws WRITE_FAILED, DISK_FULL, CANCELLED, DEADLINE_EXCEEDED */
  save(
    files: readonly (FileState & { readonly path: string })[],
    digests: ReadonlyMap<string, Partial<Digests>>,
    signal: AbortSignal | undefined,
  ): Promise<void>;
}

/** FAT has the coarsest clock, of two seconds. */
const tickMs = 2000;
/** About 13 MB. What is left out is hashed again. */
const mostEntries = 2 ** 16;
const longestFile = 2 ** 25;
const headline = /^cupel-digests 1 ([0-9a-f]{64})\n/;
const line = /^(\d+ \d+ \d+ \d+ -?\d+ -?\d+) ([0-9a-f]{64}) ([0-9a-f]{64})$/;

const noCache: DigestCache = { digestsOf: () => null, save: async () => {} };

/** @param root of the folder, without links. @throws OPTION_INVALID, WRITE_FAILED, DISK_FULL */
export async function openDigestCache(
  root: string,
  options: DigestCacheOptions | undefined,
): Promise<DigestCache> {
  if (options === undefined) return noCache;
  const { file, distrust = false, clock = systemClock } = options;
  await assertOutside(root, file);
  await assertWritable([file]);
  const known = distrust ? new Map<string, Digests>() : await readCache(file);
  const oldEnough = BigInt(Math.floor(clock.now() - tickMs)) * 1_000_000n;
  return {
    digestsOf: ({ identity }) => known.get(identity) ?? null,
    async save(files, digests, signal) {
      const entries = new Map<string, Digests>();
      for (const { path, identity, changedNs } of files) {
        const { sha256, sm3 } = digests.get(path) ?? {};
        if (sha256 && sm3 && changedNs < oldEnough) entries.set(identity, { sha256, sm3 });
      }
      if (entries.size === 0 && !distrust) return;
      for (const [identity, each] of known) if (entries.size < mostEntries) entries.set(identity, each);
      const text = [...entries]
        .map(([identity, { sha256, sm3 }]) => `${identity} ${sha256} ${sm3}\n`)
        .join("");
      await writeFileAtomically(file, `cupel-digests 1 ${hash("sha256", text)}\n${text}`, { signal });
      await chmod(file, 0o600);
    },
  };
}

/** @throws OPTION_INVALID */
async function assertOutside(root: string, file: string): Promise<void> {
  const folder = await realpath(dirname(file)).catch(() => resolve(dirname(file)));
  const way = relative(root, join(folder, basename(file)));
  if (way === ".." || way.startsWith(`..${sep}`) || resolve(way) === way) return;
  throw baseErrors.error(
    "OPTION_INVALID",
    `The cache ${file} would lie in ${root}, which it is about. Put it elsewhere.`,
    { details: { path: file } },
  );
}

/** One that is damaged, too large, or that others could have written is as good as none. */
async function readCache(path: string): Promise<ReadonlyMap<string, Digests>> {
  const entries = new Map<string, Digests>();
  const text = await ownText(path);
  const [head, checksum] = headline.exec(text) ?? [];
  if (head === undefined || hash("sha256", text.slice(head.length)) !== checksum) return entries;
  for (const each of text.slice(head.length).split("\n")) {
    const [, identity, sha256, sm3] = line.exec(each) ?? [];
    if (identity && sha256 && sm3) entries.set(identity, { sha256, sm3 });
  }
  return entries;
}

async function ownText(path: string): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { uid, mode, size } = await file.stat();
    // Windows has neither.
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    return isOwn && size <= longestFile ? await file.readFile("utf8") : "";
  } catch {
    // Most often there is none yet; what else keeps it from being read makes it no less absent.
    return "";
  }
}
