/** Reading a journal from its end, for what is asked about most: the last events, and one whose id is known. */
import { join } from "node:path";
import { reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { isErrno, systemDisk } from "./disk.ts";
import { linesOf, wholeLines } from "./lines.ts";
import { type JournalLines, readSegment } from "./read-journal.ts";
import { type SegmentName, segmentName, segmentsAmong } from "./segment-name.ts";

/** Names change while a writer rolls and compresses: what was listed may have another name when it is read. */
const attempts = 5;

/**
 * The segments, the last first. Of the one that is being written only lines that are whole are given, and of one that was
 * abandoned those that count.
 * @throws LOG_FILE_MISSING where the folder is not there, LOG_UNREADABLE
 */
export async function* readBackwards(folder: string): AsyncGenerator<JournalLines> {
  let before = Number.POSITIVE_INFINITY;
  for (let attempt = 1; ; ) {
    const segments = await segmentsIn(folder);
    const segment = segments.findLast(({ first }) => first < before);
    if (segment === undefined) return;
    const { first } = segment;
    try {
      const { lines } = await wholeLinesIn(folder, segment, before - first);
      attempt = 1;
      before = first;
      yield { first, lines };
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT") || attempt++ === attempts) {
        throw unreadable(join(folder, segmentName(segment)), thrown);
      }
    }
  }
}

/** By index. @throws LOG_FILE_MISSING, LOG_UNREADABLE */
export async function segmentsIn(folder: string): Promise<SegmentName[]> {
  try {
    return segmentsAmong(await systemDisk.list(folder));
  } catch (thrown) {
    if (!isErrno(thrown, "ENOENT") && !isErrno(thrown, "ENOTDIR")) {
      throw unreadable(folder, thrown);
    }
    throw auditErrors.error("LOG_FILE_MISSING", `There is no journal at ${folder}.`, {
      details: { path: folder },
    });
  }
}

/** @param limit of lines that count */
export async function wholeLinesIn(folder: string, segment: SegmentName, limit: number): Promise<WholeText> {
  const bytes = await readSegment(systemDisk, join(folder, segmentName(segment)), segment.form);
  // Of a complete one all lines are whole; what else is in it is for `verifyLog` to tell.
  const length = segment.form === "open" ? wholeLines(bytes, limit).length : bytes.byteLength;
  return { lines: linesOf(bytes.subarray(0, length)).slice(0, limit), length };
}

export interface WholeText {
  readonly lines: readonly Uint8Array[];
  /** Bytes up to the end of the last whole line. */
  readonly length: number;
}

export function unreadable(path: string, thrown: unknown) {
  return auditErrors.error("LOG_UNREADABLE", `${path} cannot be read: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { path },
  });
}
