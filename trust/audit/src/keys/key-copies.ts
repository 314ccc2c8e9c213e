/**
 * Copies of the file of keys that somebody made: an erasure reaches those that the policy names. A copy has the records where the
 * original has them. One that is missing or that Cupel cannot read keeps the erasure open: it may hold the key.
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "@cupel/base";
import type { DurableFile, OpenDurableFile } from "./durable-file.ts";
import type { ErasedRecord } from "./erasure-journal.ts";
import { encodeErased, parseRecord, RECORD_BYTES } from "./key-record.ts";

export interface CopyOutcome {
  readonly path: string;
  /** "clean": holds none of these keys, now or already before. "unreached": may hold them; the reason says why. */
  readonly state: "clean" | "unreached";
  readonly reason?: string;
}

/**
 * Overwrites records in place and flushes. Doing it again changes nothing.
 * @throws WRITE_FAILED, DISK_FULL
 */
export async function eraseRecords(file: DurableFile, records: readonly ErasedRecord[]): Promise<void> {
  for (const { number, nonce } of records) {
    const position = number * RECORD_BYTES;
    const bytes = Buffer.from(nonce, "base64url");
    const found = parseRecord(file.read(position, RECORD_BYTES));
    // Unreadable is what an overwriting that was cut off leaves; another nonce is another key.
    if (found.state !== "unreadable" && !found.nonce.equals(bytes)) continue;
    if (found.state === "unreadable" && file.size() <= position) continue;
    await file.write(position, encodeErased(bytes));
  }
  await file.sync();
}

/** @param paths of files, or of folders in which every file whose name begins with that of the original is a copy */
export async function eraseInCopies(
  paths: readonly string[],
  name: string,
  records: readonly ErasedRecord[],
  openFile: OpenDurableFile,
): Promise<readonly CopyOutcome[]> {
  const outcomes: CopyOutcome[] = [];
  for (const path of paths) {
    try {
      for (const file of await copiesAt(path, name))
        outcomes.push(await eraseInCopy(file, records, openFile));
    } catch (thrown) {
      outcomes.push({ path, state: "unreached", reason: reasonOf(thrown) });
    }
  }
  return outcomes;
}

async function copiesAt(path: string, name: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries: Dirent[] = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((each) => each.isFile() && each.name.startsWith(name) && !each.name.endsWith(".lock"))
    .map((each) => join(each.parentPath, each.name));
}

async function eraseInCopy(
  path: string,
  records: readonly ErasedRecord[],
  openFile: OpenDurableFile,
): Promise<CopyOutcome> {
  try {
    await using file = await openFile(path);
    const magic = file.read(0, 3).toString("latin1");
    if (file.size() > 0 && magic !== "CSK") {
      return { path, state: "unreached", reason: "it is packed or encrypted, or no copy of the keys" };
    }
    await eraseRecords(file, records);
    return { path, state: "clean" };
  } catch (thrown) {
    return { path, state: "unreached", reason: reasonOf(thrown) };
  }
}
