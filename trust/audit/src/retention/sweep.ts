/**
 * Removes the files of events that the log records as removed: their segments, and each bundle of entries that has no other
 * event in it. Tiles, the hashes, stay, and with them every proof. Again, it does nothing: what a crash left is done by the next.
 */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createTurns } from "@cupel/base";
import { type Disk, isErrno } from "../journal/disk.ts";
import { parseSegmentName } from "../journal/segment-name.ts";
import { bundlePath, partialsPath, TILE_WIDTH } from "../tree/tile-layout.ts";
import type { IndexRanges } from "./index-ranges.ts";

/**
 * Also those in another form, which a compression that was under way has made since.
 * @param folder of the segments. @returns how many
 */
export async function removeSegments(disk: Disk, folder: string, removed: IndexRanges): Promise<number> {
  const firsts = new Set<number>();
  for (const name of await disk.list(folder)) {
    const segment = parseSegmentName(name);
    if (segment === null || segment.form === "open" || !removed.has(segment.first)) continue;
    await disk.unlink(join(folder, name));
    firsts.add(segment.first);
  }
  if (firsts.size > 0) await disk.syncFolder(folder);
  return firsts.size;
}

/** @param folder of the log. @param pending of what is removed, that which no earlier call has done */
export async function removeBundles(
  disk: Disk,
  folder: string,
  removed: IndexRanges,
  pending: IndexRanges,
): Promise<void> {
  const turn = createTurns();
  const folders = new Set<string>();
  for (const { begin, end } of pending.ranges) {
    const last = Math.floor((end - 1) / TILE_WIDTH);
    for (let index = Math.floor(begin / TILE_WIDTH); index <= last; index++) {
      if (!removed.covers({ begin: index * TILE_WIDTH, end: (index + 1) * TILE_WIDTH })) continue;
      await turn();
      const path = join(folder, bundlePath(index, TILE_WIDTH));
      await rm(path, { force: true });
      await rm(partialsPath(path), { recursive: true, force: true });
      folders.add(dirname(path));
    }
  }
  for (const each of folders) {
    try {
      await disk.syncFolder(each);
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT")) throw thrown;
    }
  }
}
