/**
 * A file that is written at given places and flushed when told. Reads are synchronous: an event waits for none of them but the
 * first of its subject. Tests put a disk in its place that forgets what was not flushed.
 */
import { constants, fstatSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { writeError } from "@cupel/base";

export interface DurableFile extends AsyncDisposable {
  /** Bytes. */
  size(): number;
  /** Fewer bytes where the file ends before. */
  read(position: number, length: number): Buffer;
  /** All of the bytes, or it rejects. @throws WRITE_FAILED, DISK_FULL */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when what was written before is on the device. @throws WRITE_FAILED, DISK_FULL */
  sync(): Promise<void>;
}

export type OpenDurableFile = (path: string) => Promise<DurableFile>;

/** Makes the file where there is none, for its owner only, its name flushed with it. @throws WRITE_FAILED, DISK_FULL */
export async function openDurableFile(path: string): Promise<DurableFile> {
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (thrown) {
      throw writeError(path, thrown);
    }
  };
  const file = await attempt(async () => {
    const opened = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await syncFolder(dirname(path));
    return opened;
  });
  return {
    size: () => fstatSync(file.fd).size,
    read(position, length) {
      const bytes = Buffer.alloc(length);
      let read = 0;
      while (read < length) {
        const more = readSync(file.fd, bytes, read, length - read, position + read);
        if (more === 0) break;
        read += more;
      }
      return bytes.subarray(0, read);
    },
    write: (position, bytes) =>
      attempt(async () => {
        // The system may take fewer bytes than offered and call it success.
        for (let written = 0; written < bytes.length; ) {
          const rest = bytes.length - written;
          const { bytesWritten } = await file.write(bytes, written, rest, position + written);
          if (bytesWritten === 0) throw Object.assign(new Error("nothing was taken"), { code: "ENOSPC" });
          written += bytesWritten;
        }
      }),
    sync: () => attempt(() => file.datasync()),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** A new name is on the device only when its folder is. Windows flushes it with the file and opens no folder. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  await using folder = await open(path, "r");
  await folder.sync();
}
