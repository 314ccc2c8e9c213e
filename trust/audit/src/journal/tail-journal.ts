/**
 * The last events of a journal, and those that come after: what `tail` shows. Nothing is locked and nothing written; the
 * writer rolls, compresses and removes segments meanwhile. A line without its end, or after one, is not shown: it was never
 * acknowledged. An event that its writer had to write again, after the disk had failed it, may be shown twice.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openRegular } from "@cupel/base";
import { isErrno } from "./disk.ts";
import { linesOf, wholeLines } from "./lines.ts";
import { readBackwards, segmentsIn, unreadable, wholeLinesIn } from "./read-backwards.ts";
import { type SegmentName, segmentName } from "./segment-name.ts";

export interface JournalLine {
  /** Of the event in the log. */
  readonly index: number;
  /** Without its end. */
  readonly line: Uint8Array;
}

export interface LastLines {
  /** In the order of the journal. */
  readonly lines: readonly JournalLine[];
  /** Index of the event that comes next. */
  readonly next: number;
}

/**
 * @param folder of the segments @param count at most so many @param isWanted those that count; default all
 * @throws LOG_FILE_MISSING, LOG_UNREADABLE
 */
export async function lastLines(
  folder: string,
  count: number,
  isWanted: (line: Uint8Array) => boolean = () => true,
): Promise<LastLines> {
  const found: JournalLine[] = [];
  let next: number | null = null;
  for await (const { first, lines } of readBackwards(folder)) {
    next ??= first + lines.length;
    for (let at = lines.length - 1; at >= 0 && found.length < count; at--) {
      const line = lines[at];
      if (line !== undefined && isWanted(line)) found.push({ index: first + at, line });
    }
    if (found.length >= count) break;
  }
  return { lines: found.reverse(), next: next ?? 0 };
}

/** Milliseconds between two looks at a journal that has not grown. */
const period = 200;
/** Looks at a segment that should go on and does not, before it is taken for damaged: its name may be changing. */
const patience = 5;

/** Events from `next` on as they come, until the signal is aborted. @throws LOG_FILE_MISSING, LOG_UNREADABLE */
export async function* followJournal(
  folder: string,
  next: number,
  signal: AbortSignal,
): AsyncGenerator<JournalLine> {
  let place: Place = { first: -1, next, offset: null };
  let looks = 0;
  while (!signal.aborted) {
    const segments = await segmentsIn(folder);
    if (place.first < 0) place.first = segments.findLast(({ first }) => first <= next)?.first ?? -1;
    const segment = segments.find(({ first }) => first === place.first);
    const follower = segments.find(({ first }) => first > place.first);
    const end = follower?.first ?? Number.POSITIVE_INFINITY;
    let lines: readonly Uint8Array[] = [];
    if (segment !== undefined && place.next < end) {
      lines = await readOn(folder, segment, place, end);
      const from = place.next - lines.length;
      for (const [at, line] of lines.entries()) yield { index: from + at, line };
    }
    looks = lines.length > 0 ? 0 : looks + 1;
    // It begins below what was shown where the disk failed the writer: that went on from the last event that was sure.
    if (place.next >= end || segment === undefined || looks > patience) {
      if (follower !== undefined) place = { first: end, next: end, offset: 0 };
    }
    if (lines.length === 0 && place.first !== end) {
      await pause(period, undefined, { signal }).catch(() => {});
    }
  }
}

interface Place {
  /** Index of the first event of the segment that is being read; below 0 for none yet. */
  first: number;
  /** Index of the event that is read next. */
  next: number;
  /** Bytes of the segment that were read; null where that is not known. */
  offset: number | null;
}

/** Most bytes of a segment at a time; more than a line has. */
const chunkBytes = 2 ** 20;

/** Whole lines from the place on, which is moved. None where nothing is new, or the next look must begin at the start. */
async function readOn(
  folder: string,
  segment: SegmentName,
  place: Place,
  end: number,
): Promise<readonly Uint8Array[]> {
  const path = join(folder, segmentName(segment));
  try {
    if (place.offset === null || segment.form === "zst" || segment.form === "gz") {
      const { lines, length } = await wholeLinesIn(folder, segment, end - segment.first);
      const fresh = lines.slice(place.next - segment.first);
      place.next = segment.first + lines.length;
      place.offset = length;
      return fresh;
    }
    await using file = await openRegular(path);
    const { bytesRead, buffer } = await file.read({
      // With the end of the line before, which tells that nothing was taken back.
      position: Math.max(0, place.offset - 1),
      buffer: Buffer.allocUnsafe(chunkBytes),
    });
    const before = Math.min(1, place.offset);
    const bytes = buffer.subarray(before, Math.max(before, bytesRead));
    if (before > bytesRead || (before === 1 && buffer[0] !== newline)) {
      place.offset = null;
      return [];
    }
    const { count, length } = wholeLines(bytes, end - place.next);
    place.next += count;
    place.offset += length;
    return linesOf(bytes.subarray(0, length));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return [];
    throw unreadable(path, thrown);
  }
}

const newline = 0x0a;
