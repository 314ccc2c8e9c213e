/**
 * A folder that goes when its owner does: for what other programs and the engine write to files only. One whose owner
 * was killed goes when the next process opens one.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomName } from "./atomic-file.ts";
import { ownerMark } from "./owner-mark.ts";
import { type MarkedNames, removeAbandoned } from "./remove-abandoned.ts";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** cupel-PURPOSE-PLACE-PID-START-RANDOM; no part but the purpose has dashes. */
const names: MarkedNames = {
  markIn: (name) => (name.startsWith("cupel-") ? name.split("-").slice(-4, -1).join("-") : null),
  fresh: () => `cupel-swept-${ownerMark()}-${randomName()}`,
};

/** Removes those in `folder` whose owner was killed. @returns their names */
export function sweepTemporaryFolders(folder: string): Promise<readonly string[]> {
  return removeAbandoned(folder, names);
}

let swept: Promise<unknown> | null = null;

/**
 * In the system's folder for such. The first of a process sweeps that folder.
 * @param purpose is part of its name, such as "trace".
 */
export async function openTemporaryFolder(purpose = "work"): Promise<TemporaryFolder> {
  swept ??= sweepTemporaryFolders(tmpdir());
  await swept;
  const path = await mkdtemp(join(tmpdir(), `cupel-${purpose}-${ownerMark()}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
