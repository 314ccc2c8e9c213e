/**
 * Writing the files of a log. A file is whole when it bears its name, and what is written in one call is durable when the
 * call ends: temporary names first, a few at a time, then flushed, then renamed, and last the folders flushed. A checkpoint MUST be written after the call with its tiles and
 * bundles has ended, or a crash may leave one that nothing stands behind.
 *
 * Opening, writing and renaming are synchronous: they touch memory only, and the promises of them would cost more than all
 * hashes of a tile. What waits for the device is not: the thread that writes tiles adds leaves meanwhile.
 */
import { closeSync, fsync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { CupelError, temporaryBeside, writeError } from "@cupel/base";
import { formatNote, type SignedNote } from "../note/signed-note.ts";
import type { Bundle } from "./entry-bundle.ts";
import { bundlePath, partialsPath, TILE_WIDTH, type Tile, tilePath } from "./tile-layout.ts";
import { sm3Tree } from "./tree-hash.ts";

const flush = promisify(fsync);
/** Flushes at a time. Node has four threads for all that waits for disks, and the recorder's journal needs one of them. */
const LANES = 2;
/**
 * Files that are open at a time. They are written in one turn of the event loop, and whoever waits for a leaf to be added, for a receipt,
 * waits for that.
 */
const BATCH = 16;
const CHECKPOINT = "checkpoint";

export interface LogFile {
  /** Within the log, with "/". */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What it replaces, a folder with the partial forms of it; null where it is one of them. */
  readonly replaces: string | null;
}

export function tileFile(tile: Tile): LogFile {
  return fileOf(tilePath(tile), tile.width, tile.hashes);
}

/** Of a tile of the SM3 tree. */
export function sm3TileFile(tile: Tile): LogFile {
  return fileOf(tilePath(tile, sm3Tree), tile.width, tile.hashes);
}

export function bundleFile({ index, width, bytes }: Bundle): LogFile {
  return fileOf(bundlePath(index, width), width, bytes);
}

function fileOf(path: string, width: number, bytes: Uint8Array): LogFile {
  return { path, bytes, replaces: width === TILE_WIDTH ? partialsPath(path) : null };
}

/**
 * Folders whose own names are durable, by path. Whoever writes a log again and again keeps it from call to call: the folders
 * around what is written need not be flushed each time.
 */
export type DurableFolders = Set<string>;

/**
 * @param folder of the log, which exists
 * @param durable default none
 * @throws DISK_FULL, WRITE_FAILED; files of the call may then be there or not, none of them in part
 */
export async function writeLogFiles(
  folder: string,
  files: readonly LogFile[],
  durable: DurableFolders = new Set(),
): Promise<void> {
  for (let at = 0; at < files.length; at += BATCH) {
    await writeBatch(folder, files.slice(at, at + BATCH), durable);
  }
  await flushFolders(folder, new Set(files.map(({ path }) => dirname(join(folder, path)))), durable);
  // Only now is what they stood for certain. One that a crash leaves is harmless.
  for (const { replaces } of files) {
    if (replaces === null) continue;
    const partials = join(folder, replaces);
    durable.delete(partials);
    rmSync(partials, { recursive: true, force: true });
  }
}

/** Replaces the checkpoint of a log. @throws DISK_FULL, WRITE_FAILED; the former one is then still there */
export async function writeCheckpoint(folder: string, note: SignedNote): Promise<void> {
  const file = { path: CHECKPOINT, bytes: Buffer.from(formatNote(note)), replaces: null };
  await writeLogFiles(folder, [file]);
}

interface OpenFile {
  readonly path: string;
  readonly temporary: string;
  readonly descriptor: number;
}

async function writeBatch(folder: string, files: readonly LogFile[], durable: DurableFolders): Promise<void> {
  const written: OpenFile[] = [];
  let path = folder;
  try {
    try {
      for (const file of files) {
        path = join(folder, file.path);
        const temporary = temporaryBeside(path);
        const descriptor = openIn(folder, temporary, durable);
        written.push({ path, temporary, descriptor });
        writeWhole(descriptor, file.bytes);
      }
      const flushed = await flushAll(written);
      for (const [at, result] of flushed.entries()) {
        path = written[at]?.path ?? path;
        if (result.status === "rejected") throw result.reason;
      }
    } finally {
      for (const { descriptor } of written) closeSync(descriptor);
    }
    for (const each of written) {
      path = each.path;
      renameSync(each.temporary, path);
    }
  } catch (thrown) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    throw thrown instanceof CupelError ? thrown : writeError(path, thrown);
  }
}

/** All are tried, so that none is closed while it is flushed. */
async function flushAll(files: readonly OpenFile[]): Promise<PromiseSettledResult<void>[]> {
  const results: PromiseSettledResult<void>[] = [];
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const at = next++;
      const [result] = await Promise.allSettled([flush(files[at]?.descriptor ?? -1)]);
      results[at] = result;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

function openIn(folder: string, path: string, durable: DurableFolders): number {
  try {
    return openSync(path, "wx");
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
    // A log whose own folder is gone is not begun anew.
    makeFolders(folder, dirname(path), durable);
    return openSync(path, "wx");
  }
}

/** Those below `folder` that `path` needs. */
function makeFolders(folder: string, path: string, durable: DurableFolders): void {
  if (relative(folder, path) === "") return;
  makeFolders(folder, dirname(path), durable);
  try {
    mkdirSync(path);
    // Somebody may have removed one that was.
    durable.delete(path);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
  }
}

/** A full disk may take a part and say nothing. */
function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(descriptor, bytes, at);
}

/** With those around them in which a name may be new, up to the log's own. */
async function flushFolders(
  folder: string,
  folders: ReadonlySet<string>,
  durable: DurableFolders,
): Promise<void> {
  const all = new Set(folders);
  const named = new Set<string>();
  for (const each of folders) {
    for (let path = each; relative(folder, path) !== ""; path = dirname(path)) {
      if (durable.has(path)) continue;
      named.add(path);
      all.add(dirname(path));
    }
  }
  for (const path of all) await flushFolder(path);
  for (const path of named) durable.add(path);
}

async function flushFolder(path: string): Promise<void> {
  // Windows opens no folders, and keeps renames in the order of its journal.
  if (process.platform === "win32") return;
  try {
    const descriptor = openSync(path, "r");
    try {
      await flush(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    throw writeError(path, thrown);
  }
}
