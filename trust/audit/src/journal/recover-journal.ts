/**
 * What a journal is after its writer ended, however it ended. Everything acknowledged is durable and comes first in its
 * segment; what comes after the first line that is not whole was never acknowledged and is set aside, neither accepted
 * nor deleted. Where a later segment exists, its name says where the earlier one ends: a segment whose
 * synchronisation failed was abandoned there, and what it holds beyond was written again or refused.
 *
 * An open segment is copied before it is gone on with: after a failed synchronisation the system may show, from its
 * memory, bytes that no disk has.
 */
import { join } from "node:path";
import { auditErrors } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { wholeLines } from "./lines.ts";
import { readSegment } from "./read-journal.ts";
import { parseSegmentName, type SegmentName, segmentName, segmentsAmong } from "./segment-name.ts";
import { setAsideBytes, setAsideFile, writeDurably } from "./write-durably.ts";

export interface RecoveredJournal {
  /** Index that the next event gets. */
  readonly next: number;
  /** The segment to go on with; null where there is none. */
  readonly open: OpenTail | null;
  /** Bytes that were set aside. */
  readonly torn: number;
}

export interface OpenTail {
  readonly first: number;
  readonly count: number;
  readonly size: number;
  /** When its first event was recorded, milliseconds since 1970. */
  readonly since: number;
}

/**
 * @param folder and `quarantine` are made where they are not there
 * @throws LOG_DAMAGED where acknowledged events are missing; what the system threw
 */
export async function recoverJournal(
  disk: Disk,
  { folder, quarantine }: { readonly folder: string; readonly quarantine: string },
): Promise<RecoveredJournal> {
  await disk.makeFolder(folder);
  await disk.makeFolder(quarantine);
  const names = await disk.list(folder);
  const segments = segmentsAmong(names);
  await setAsideDoubles(disk, { folder, quarantine }, names, segments);

  let torn = 0;
  let next = 0;
  let open: OpenTail | null = null;
  for (const [at, segment] of segments.entries()) {
    const follower = segments[at + 1];
    if (segment.form !== "open") {
      next = follower?.first ?? segment.first + (await countOf(disk, folder, segment));
      continue;
    }
    const path = join(folder, segmentName(segment));
    const bytes = await disk.read(path);
    const expected = follower === undefined ? undefined : follower.first - segment.first;
    const { count, length } = wholeLines(bytes, expected);
    if (expected !== undefined && count < expected)
      throw damaged(path, segment.first + count, follower?.first);
    next = segment.first + count;
    if (length < bytes.byteLength) {
      const kind = follower === undefined ? "torn" : "abandoned";
      await setAsideBytes(disk, quarantine, { kind, path, bytes: bytes.subarray(length) });
      torn += bytes.byteLength - length;
    }
    if (count > 0 && follower === undefined) {
      await writeDurably(disk, path, bytes.subarray(0, length));
      open = { first: segment.first, count, size: length, since: timeOf(bytes) };
      continue;
    }
    if (count > 0) {
      const closed = segmentName({ first: segment.first, form: "plain" });
      await writeDurably(disk, join(folder, closed), bytes.subarray(0, length));
    }
    await disk.unlink(path);
    await disk.syncFolder(folder);
  }
  return { next, open, torn };
}

/** An open file beside its closed one: the writer ended between making the one and removing the other. */
async function setAsideDoubles(
  disk: Disk,
  { folder, quarantine }: { readonly folder: string; readonly quarantine: string },
  names: readonly string[],
  segments: readonly SegmentName[],
): Promise<void> {
  const chosen = new Set(segments.map(segmentName));
  for (const name of names) {
    if (parseSegmentName(name)?.form !== "open" || chosen.has(name)) continue;
    await setAsideFile(disk, quarantine, { kind: "abandoned", path: join(folder, name) });
  }
}

async function countOf(disk: Disk, folder: string, segment: SegmentName): Promise<number> {
  const path = join(folder, segmentName(segment));
  const bytes = await readSegment(disk, path, segment.form);
  const { count, length } = wholeLines(bytes);
  if (length < bytes.byteLength) throw damaged(path, segment.first + count, undefined);
  return count;
}

/** Of the first event in it; the present where it does not say. */
function timeOf(bytes: Buffer): number {
  const first: { time?: unknown } = JSON.parse(bytes.toString("utf8", 0, bytes.indexOf("\n")));
  const time = Date.parse(String(first.time));
  return Number.isNaN(time) ? Date.now() : time;
}

function damaged(path: string, from: number, to: number | undefined) {
  const which = to === undefined ? `event ${from} and those after it` : `events ${from} to ${to - 1}`;
  return auditErrors.error(
    "LOG_DAMAGED",
    `${path} lacks ${which}, which were acknowledged: it was cut or changed by something else. Nothing was changed. Keep the folder for the inquiry, see \`cupel audit verify\`, and record into another folder until it is clear.`,
    { details: { path, from } },
  );
}
