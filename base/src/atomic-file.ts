/**
 * Files appear whole or not at all: bytes go to a temporary name beside the target, are flushed to the
 * device, and only then renamed over it. A crash, a full disk or a cancelled run leaves the old file.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CupelError, reasonOf } from "./error.ts";
import { baseErrors, throwIfCancelled } from "./errors.ts";

/** Node's writev takes at most IOV_MAX (1024) buffers a call. */
const BUFFERS_PER_WRITE = 512;

/**
 * Writes chunks in order to `path`, creating its folder. MUST NOT leave a partial file under `path`.
 * @throws CANCELLED, DISK_FULL, WRITE_FAILED
 */
export async function writeFileAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.partial`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx");
    try {
      await writeAll(file, typeof chunks === "string" ? [Buffer.from(chunks)] : chunks, options.signal);
      await file.sync();
    } finally {
      await file.close();
    }
    throwIfCancelled(options.signal, `Writing ${path}`);
    await rename(temporary, path);
  } catch (thrown) {
    // Where the folder is a file there is nothing to remove, and `thrown` says so.
    await rm(temporary, { force: true }).catch(() => {});
    throw thrown instanceof CupelError ? thrown : writeError(path, thrown);
  }
}

async function writeAll(file: FileHandle, chunks: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  let pending: Uint8Array[] = [];
  const flush = async () => {
    throwIfCancelled(signal, "Writing");
    const buffers = pending;
    pending = [];
    const expected = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    const { bytesWritten } = await file.writev(buffers);
    // The kernel may take fewer bytes than offered, at 2 GiB or when the device fills: send the rest.
    if (bytesWritten < expected) {
      const rest = Buffer.concat(buffers).subarray(bytesWritten);
      await file.writeFile(rest);
    }
  };
  for (const chunk of chunks) {
    if (chunk.byteLength === 0) continue;
    pending.push(chunk);
    if (pending.length === BUFFERS_PER_WRITE) await flush();
  }
  if (pending.length > 0) await flush();
}

function writeError(path: string, thrown: unknown): CupelError {
  const errno = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const code = errno === "ENOSPC" || errno === "EDQUOT" || errno === "EFBIG" ? "DISK_FULL" : "WRITE_FAILED";
  const advice =
    code === "DISK_FULL"
      ? "Free some space or choose another output folder."
      : "Check the folder and its permissions.";
  return baseErrors.error(code, `Could not write ${path}: ${reasonOf(thrown)}. ${advice}`, {
    cause: thrown,
    details: { path },
  });
}
