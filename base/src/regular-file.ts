/**
 * Reading of files that somebody names. Opening a pipe waits for a writer, which may never come and which nothing can
 * cancel, and a device such as /dev/zero never ends: what is no file is refused, by a look at what was opened.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** A pipe is then open at once; of a file it says nothing. Windows has no such flag, and no pipes among files. */
const withoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws Error whose message completes "cannot be read: ..."; those of the system carry their `code` */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, withoutWaiting);
  try {
    assertRegular(await file.stat());
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
  return file;
}

/** The whole file. @throws what `openRegular` throws, and ERR_FS_FILE_TOO_LARGE above 2 GiB */
export async function readRegular(path: string): Promise<Buffer<ArrayBuffer>> {
  await using file = await openRegular(path);
  return await file.readFile();
}

/** @throws Error that says what it is instead */
export function assertRegular(found: Stats): void {
  if (found.isFile()) return;
  throw new Error(
    `it is a ${found.isDirectory() ? "folder" : found.isFIFO() ? "pipe" : "device"}, and not a file`,
  );
}
