/**
 * The manifest of a ZIP archive: that of the folder it would unpack to, without unpacking it. What programs could unpack
 * in different ways is refused, each with its own code. An archive has no empty folders but those it names.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { assertRegular, CupelError, moduleBeside } from "@cupel/base";
import { type DigestPoolOptions, digestAll } from "../manifest/digest-pool.ts";
import { hashNames, inPathOrder, type Manifest } from "../manifest/manifest.ts";
import { foldersAbove } from "../manifest/path-rules.ts";
import { stateOf } from "../manifest/walk-folder.ts";
import type { ArchiveBytes } from "./archive-bytes.ts";
import { archiveChanged, archiveUnreadable, digestEntry } from "./digest-entry.ts";
import { readDirectory } from "./directory.ts";
import { type LocatedEntry, locateEntries } from "./local-headers.ts";

export interface ArchiveOptions extends DigestPoolOptions {
  /** Paths of files that do not count, such as "attestation.json". Default none. */
  readonly exclude?: readonly string[] | undefined;
}

const thread = moduleBeside(import.meta.url, "entry-thread");
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Stored and deflated entries, of any size. Memory is a few pieces a thread, and the archive's directory.
 * @throws the codes that begin with ARCHIVE, ENTRY_REFUSED, NAME_COLLISION, OPTION_INVALID, THREAD_CRASHED, CANCELLED, DEADLINE_EXCEEDED
 */
export async function readArchive(path: string, options: ArchiveOptions = {}): Promise<Manifest> {
  const { entries, identity } = structureOf(path);
  const exclude = new Set(options.exclude);
  const counted = entries.filter((entry) => entry.kind === "folder" || !exclude.has(entry.path));
  const files = counted.filter(({ kind }) => kind === "file");
  const items = files.map(({ path, size, packedSize, method, crc, dataPosition }) => {
    return { path, size, packedSize, method, crc, dataPosition, identity };
  });
  // On one core a thread gains nothing, and takes 14 MB.
  const workers = options.workers ?? (availableParallelism() === 1 ? 0 : undefined);
  const digests = await digestAll({ place: path, digestOne: digestEntry, thread }, items, hashNames, {
    ...options,
    workers,
  });
  if (identityOf(path) !== identity) throw archiveChanged(path);
  const full = new Set(counted.flatMap((entry) => foldersAbove(entry.path)));
  const folders = counted.filter((entry) => entry.kind === "folder" && !full.has(entry.path));
  return inPathOrder([
    ...folders.map(({ path }) => ({ kind: "folder", path }) as const),
    ...files.map(({ path, size, executable }) => {
      return { kind: "file", path, size, executable, ...digests.get(path)! } as const;
    }),
  ]);
}

function structureOf(path: string): { readonly entries: LocatedEntry[]; readonly identity: string } {
  try {
    const file = openSync(path, openFlags);
    try {
      assertRegular(fstatSync(file));
      const { size, identity } = stateOf(fstatSync(file, { bigint: true }));
      const bytes: ArchiveBytes = {
        path,
        size,
        read: (position, length) => readAt(file, path, position, length),
      };
      const { entries, position } = readDirectory(bytes);
      return { entries: locateEntries(bytes, entries, position), identity };
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : archiveUnreadable(path, thrown);
  }
}

function readAt(file: number, path: string, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const count = readSync(file, bytes, at, length - at, position + at);
    if (count === 0) throw archiveChanged(path);
    at += count;
  }
  return bytes;
}

function identityOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : stateOf(stats).identity;
}
