/** Where in a log an event stands whose id is known. Ids grow with time, and what is asked for is mostly recent. */
import { join } from "node:path";
import { readBackwards } from "../journal/read-backwards.ts";

/** @param folder of the log. @returns its index, null where the journal does not have it. @throws LOG_FILE_MISSING, LOG_UNREADABLE */
export async function findEvent(folder: string, id: string): Promise<number | null> {
  // A line begins with it: `lineOf`.
  const start = Buffer.from(`{"id":${JSON.stringify(id)},`);
  for await (const { first, lines } of readBackwards(join(folder, "journal"))) {
    const at = lines.findIndex((line) => start.equals(line.subarray(0, start.byteLength)));
    if (at >= 0) return first + at;
  }
  return null;
}

/** Index of the event that comes next in the journal; null where there is none. */
export async function journalEnd(folder: string): Promise<number | null> {
  for await (const { first, lines } of readBackwards(join(folder, "journal"))) return first + lines.length;
  return null;
}
