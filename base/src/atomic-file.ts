/**
 * Files appear whole or not at all: bytes go to a temporary name beside the target, are flushed to the
 * device, and only then renamed over it. A crash, a full disk or a cancelled run leaves the old file.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, link, mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CupelError, reasonOf } from "./error.ts";
import { baseErrors, throwIfCancelled } from "./errors.ts";
import { ownerMark } from "./owner-mark.ts";
import { removeAbandoned } from "./remove-abandoned.ts";

/** Node's writev takes at most IOV_MAX (1024) buffers a call. */
const BUFFERS_PER_WRITE = 512;
/** Large chunks are not gathered: whoever makes them one by one has few of them in memory. */
const BYTES_PER_WRITE = 2 ** 22;

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes chunks in order to `path`, creating its folder. MUST NOT leave a partial file under `path`.
 * @throws CANCELLED, DISK_FULL, WRITE_FAILED, and what making the chunks throws
 */
export async function writeFileAtomically(
  path: string,
  chunks: Chunks | string,
  options: WriteOptions = {},
): Promise<void> {
  await placed(path, chunks, options, (temporary) => rename(temporary, path));
}

/**
 * The same where a file of that name MUST stay as it is: of several that write it at once, also on several machines that
 * share the folder, the first wins. Needs a file system with hard links.
 * @returns whether it was written; false where there was one. @throws as `writeFileAtomically`
 */
export async function createFileAtomically(
  path: string,
  chunks: Chunks | string,
  options: WriteOptions = {},
): Promise<boolean> {
  return await placed(path, chunks, options, async (temporary) => {
    const isFirst = await link(temporary, path).then(
      () => true,
      (thrown: NodeJS.ErrnoException) => {
        if (thrown.code === "EEXIST") return false;
        throw thrown;
      },
    );
    await rm(temporary);
    return isFirst;
  });
}

interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
}

/** @param place gives the file that was written its name. */
async function placed<Placed>(
  path: string,
  chunks: Chunks | string,
  { signal }: WriteOptions,
  place: (temporary: string) => Promise<Placed>,
): Promise<Placed> {
  const temporary = temporaryBeside(path);
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, "wx");
    try {
      await writeAll(file, typeof chunks === "string" ? [Buffer.from(chunks)] : chunks, signal);
      await file.sync();
    } finally {
      await file.close();
    }
    throwIfCancelled(signal, `Writing ${path}`);
    return await place(temporary);
  } catch (thrown) {
    // Where the folder is a file there is nothing to remove, and `thrown` says so.
    await rm(temporary, { force: true }).catch(() => {});
    throw thrown instanceof CupelError ? thrown : writeError(path, thrown);
  }
}

async function writeAll(file: FileHandle, chunks: Chunks, signal?: AbortSignal): Promise<void> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const flush = async () => {
    throwIfCancelled(signal, "Writing");
    const buffers = pending;
    const expected = pendingBytes;
    pending = [];
    pendingBytes = 0;
    const { bytesWritten } = await file.writev(buffers);
    // The kernel may take fewer bytes than offered, at 2 GiB or when the device fills: send the rest.
    if (bytesWritten < expected) {
      const rest = Buffer.concat(buffers).subarray(bytesWritten);
      await file.writeFile(rest);
    }
  };
  for await (const chunk of chunks) {
    if (chunk.byteLength === 0) continue;
    pending.push(chunk);
    pendingBytes += chunk.byteLength;
    if (pending.length === BUFFERS_PER_WRITE || pendingBytes >= BYTES_PER_WRITE) await flush();
  }
  if (pending.length > 0) await flush();
}

/**
 * Makes a folder and those around it, one by one: Node's recursive `mkdir` never ends where the system takes
 * no folders, as under /proc. @returns those that were made, the outermost first.
 */
export async function makeFolder(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return [];
  const around = dirname(path);
  const made = around === path ? [] : await makeFolder(around);
  try {
    await mkdir(path);
    return [...made, path];
  } catch (thrown) {
    // Something else may have made it since.
    if ((await stat(path).catch(() => null))?.isDirectory()) return made;
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => {});
    throw thrown;
  }
}

/**
 * A name in the folder of `path` that nothing else has; hidden where names that begin with a dot are. It has the mark of
 * this process, so that what a killed one left is known: see `removePartial`.
 */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${ownerMark()}.${randomName()}.partial`);
}

/** Removes what processes that were killed while they wrote `path` left beside it. */
export async function removePartial(path: string): Promise<void> {
  const start = `.${basename(path)}.`;
  const end = ".partial";
  await removeAbandoned(dirname(path), {
    // MARK.RANDOM in between.
    markIn: (name) =>
      name.startsWith(start) && name.endsWith(end)
        ? name.slice(start.length, -end.length).replace(/\.[^.]*$/, "")
        : null,
    fresh: () => basename(temporaryBeside(path)),
  });
}

export function randomName(): string {
  return randomUUID().slice(0, 8);
}

interface WriteAdvice {
  readonly code: "DISK_FULL" | "WRITE_FAILED";
  readonly advice: string;
}

const full: WriteAdvice = {
  code: "DISK_FULL",
  advice: "Free some space or choose another output folder.",
};
const throughFile: WriteAdvice = {
  code: "WRITE_FAILED",
  advice: "A part of its path is a file, not a folder: choose another folder.",
};
const closed: WriteAdvice = { code: "WRITE_FAILED", advice: "Choose a folder that you may write to." };
const otherwise: WriteAdvice = { code: "WRITE_FAILED", advice: "Check the folder and its permissions." };

/** By the system's name for a failure. */
const adviceFor: ReadonlyMap<string, WriteAdvice> = new Map([
  ["ENOSPC", full],
  ["EDQUOT", full],
  ["EFBIG", full],
  ["ENOTDIR", throughFile],
  ["EEXIST", throughFile],
  ["EACCES", closed],
  ["EPERM", closed],
  ["EROFS", closed],
  ["EISDIR", { code: "WRITE_FAILED", advice: "There is a folder of that name: choose another name." }],
  ["ENAMETOOLONG", { code: "WRITE_FAILED", advice: "Choose a shorter name." }],
]);

/** Of anything that the system threw while `path` was written or tried. */
export function writeError(path: string, thrown: unknown): CupelError {
  const errno = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const { code, advice } = adviceFor.get(errno) ?? otherwise;
  return baseErrors.error(code, `Could not write ${path}: ${reasonOf(thrown)}. ${advice}`, {
    cause: thrown,
    details: { path },
  });
}
