/**
 * Removes what killed processes left under temporary names, told by the mark of the owner in the name
 * (`owner-mark.ts`). What a living process owns is not touched, nor what belongs to another user.
 *
 * Several processes may do this at once. Each takes what it is going to remove by renaming it to a name of its own:
 * one of them succeeds, the others find nothing. One that is killed meanwhile leaves a name with its own mark.
 */
import { lstat, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAbandoned } from "./owner-mark.ts";

export interface MarkedNames {
  /** What stands where the mark is in a name of this kind; null for another name. */
  readonly markIn: (name: string) => string | null;
  /** A name of this kind with this process's mark, that nothing has. */
  readonly fresh: () => string;
}

/** What cannot be removed stays: whoever begins work does not depend on it. @returns the names that were removed. */
export async function removeAbandoned(
  folder: string,
  { markIn, fresh }: MarkedNames,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const mark = markIn(name);
    if (mark === null || !isAbandoned(mark)) continue;
    if (await remove(join(folder, name), join(folder, fresh()))) removed.push(name);
  }
  return removed;
}

async function remove(path: string, taken: string): Promise<boolean> {
  try {
    if ((await lstat(path)).uid !== process.getuid?.() && process.platform !== "win32") return false;
    await rename(path, taken);
    await rm(taken, { recursive: true, force: true });
    return true;
  } catch {
    // Another process took it, or the system does not let us: see above.
    return false;
  }
}
