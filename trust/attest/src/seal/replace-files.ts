/**
 * Several files of a folder, replaced as nearly at once as a file system can: all are written under temporary names and
 * flushed to the device before the first is renamed. A full disk, a closed folder or a cancellation is thus found while
 * the older ones stand; only a crash between two renames leaves some of either.
 */
import { open, rename, rm } from "node:fs/promises";
import { CupelError, temporaryBeside, throwIfCancelled, writeError } from "@cupel/base";

export interface Replacement {
  readonly path: string;
  /** Null: the file is to go. */
  readonly bytes: Uint8Array | null;
}

/** In their order. @throws WRITE_FAILED, DISK_FULL, CANCELLED: none is replaced then, but where a rename failed */
export async function replaceFiles(
  files: readonly Replacement[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporaries: string[] = [];
  let path = "";
  try {
    for (const file of files) {
      path = file.path;
      const temporary = temporaryBeside(path);
      temporaries.push(temporary);
      if (file.bytes === null) continue;
      await using handle = await open(temporary, "wx");
      await handle.writeFile(file.bytes);
      await handle.sync();
    }
    throwIfCancelled(signal, "Sealing");
    for (const [index, file] of files.entries()) {
      path = file.path;
      if (file.bytes === null) await rm(path, { force: true });
      else await rename(temporaries[index]!, path);
    }
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : writeError(path, thrown);
  } finally {
    for (const temporary of temporaries) await rm(temporary, { force: true }).catch(() => {});
  }
}
