/** Files that are kept with a project and that a trace is held against: a baseline, an older lockfile, the present one. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reasonOf } from "@cupel/base";
import { type Lockfile, parseLockfile } from "@cupel/env-trace";
import { cliErrors } from "../errors.ts";

/** @param what it is, for the message. A pipe is read too, such as that of `git show`. @throws FILE_UNREADABLE */
export async function readKept(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the ${what} in ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file: path },
    });
  }
}

/** As npm looks for it. */
const names = ["npm-shrinkwrap.json", "package-lock.json"];

/** The lockfile in a folder or the nearest above that has one; an empty one, and a remark, where there is none. @throws ENV_LOCKFILE_INVALID */
export async function presentLockfile(start: string, remark: (sentence: string) => void): Promise<Lockfile> {
  for (let folder = start; ; folder = dirname(folder)) {
    for (const name of names) {
      const path = join(folder, name);
      const text = await readFile(path, "utf8").catch(() => null);
      if (text !== null) return parseLockfile(text, path);
    }
    if (dirname(folder) !== folder) continue;
    remark(`There is no package-lock.json in ${start} or above: every package counts as new.`);
    return new Map();
  }
}
