/**
 * Whether files can be written, found out before the work whose results they are to hold. The trial does what
 * `writeFileAtomically` will do, up to the first byte, and removes all it made, and what a killed process left half-written.
 */
import { open, rm, rmdir, stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { makeFolder, removePartial, temporaryBeside, writeError } from "./atomic-file.ts";
import { CupelError, reasonOf } from "./error.ts";
import { baseErrors } from "./errors.ts";

/**
 * A folder that does not exist counts as writable where it can be made; the trial leaves none.
 * @param paths of all the files that one piece of work will write: none of them can be the folder of another.
 * @throws WRITE_FAILED, DISK_FULL
 */
export async function assertWritable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const inside = paths.find((each) => isInside(each, path));
    if (inside !== undefined) {
      throw baseErrors.error(
        "WRITE_FAILED",
        `Could not write ${inside}: it would lie in ${path}, which is to be a file. Choose another folder.`,
        { details: { path: inside } },
      );
    }
  }
  for (const path of paths) {
    await tryPath(path);
    await removePartial(path);
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== "" && !way.startsWith("..");
}

async function tryPath(path: string): Promise<void> {
  let made: readonly string[] = [];
  try {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    made = await makeFolder(dirname(path));
    const temporary = temporaryBeside(path);
    await (await open(temporary, "wx")).close();
    await rm(temporary);
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : writeError(path, thrown);
  } finally {
    await removeMade(made, path);
  }
}

/** One that something was put into meanwhile stays, and so do those around it. */
async function removeMade(folders: readonly string[], path: string): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await rmdir(folder);
    } catch (thrown) {
      const errno = thrown instanceof Error && "code" in thrown ? thrown.code : "";
      if (errno === "ENOTEMPTY" || errno === "EEXIST" || errno === "ENOENT") return;
      throw baseErrors.error(
        "WRITE_FAILED",
        `Could not remove ${folder}, which was made to try ${path}: ${reasonOf(thrown)}. Check its permissions.`,
        { cause: thrown, details: { path: folder } },
      );
    }
  }
}
