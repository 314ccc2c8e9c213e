/** Files with a key, which nobody but their owner may read; made where there is none. */
import { constants } from "node:fs";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { openRegular, reasonOf, temporaryBeside, writeError } from "@cupel/base";
import { cliErrors } from "../errors.ts";

/** Of the group and of all others. */
const OTHERS = 0o077;

/** @returns null where there is none. @throws FILE_UNREADABLE, also where others may read it */
export async function readKeyFile(path: string): Promise<string | null> {
  try {
    await using file = await openRegular(path);
    const { mode } = await file.stat();
    // Windows has no such modes.
    if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
      throw new Error(
        `others may read or write it (mode ${(mode & 0o777).toString(8)}). Close it: chmod 600 ${path}`,
      );
    }
    return await file.readFile("utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw cliErrors.error("FILE_UNREADABLE", `The key file ${path} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
}

/** Whole or not at all, mode 0600. MUST NOT replace a key that is there. @throws WRITE_FAILED, DISK_FULL */
export async function makeKeyFile(path: string, text: string): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
    await file.writeFile(text);
    await file.sync();
    // Unlike a rename it fails where another process was first.
    await link(temporary, path);
  } catch (thrown) {
    throw writeError(path, thrown);
  } finally {
    await rm(temporary, { force: true });
  }
}
