/** The segments of a journal one after the other, as they lie: with gaps, and also where one cannot be unpacked. */
import { join } from "node:path";
import { reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { type Disk, isErrno } from "../journal/disk.ts";
import { linesOf } from "../journal/lines.ts";
import { readSegment } from "../journal/read-journal.ts";
import { type SegmentForm, segmentName, segmentsAmong } from "../journal/segment-name.ts";

export interface FoundSegment {
  readonly name: string;
  readonly form: SegmentForm;
  readonly first: number;
  /** Where the next one begins; null for the last. */
  readonly end: number | null;
  /** Null where it cannot be unpacked. */
  readonly lines: readonly Uint8Array[] | null;
}

/** Names change while a writer rolls and compresses. */
const attempts = 5;

/**
 * @param start index of an event: segments that end before it are passed over. Default 0.
 * @throws LOG_UNREADABLE: what the system or this Node.js cannot read is not called changed
 */
export async function* readSegments(disk: Disk, folder: string, start = 0): AsyncGenerator<FoundSegment> {
  let from = segmentsAmong(await namesIn(disk, folder)).findLast(({ first }) => first <= start)?.first ?? 0;
  for (let attempt = 1; ; ) {
    const segments = segmentsAmong(await namesIn(disk, folder));
    const at = segments.findIndex(({ first }) => first >= from);
    const segment = segments[at];
    if (segment === undefined) return;
    const name = segmentName(segment);
    const rest = { name, ...segment, end: segments[at + 1]?.first ?? null };
    try {
      yield { ...rest, lines: linesOf(await readSegment(disk, join(folder, name), segment.form)) };
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT") && attempt++ < attempts) continue;
      if (!isUnpacking(thrown)) throw unreadable(join(folder, name), thrown);
      yield { ...rest, lines: null };
    }
    attempt = 1;
    from = segment.first + 1;
  }
}

async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  try {
    return await disk.list(folder);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return [];
    throw unreadable(folder, thrown);
  }
}

/** Of zlib: what was read is not what was packed. */
function isUnpacking(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && /^Z(STD)?_/.test(String(thrown.code));
}

function unreadable(path: string, thrown: unknown) {
  return auditErrors.error("LOG_UNREADABLE", `${path} cannot be read: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { path },
  });
}
