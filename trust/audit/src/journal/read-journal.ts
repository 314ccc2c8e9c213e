/** Reading a journal while it is written or after: the lines of a range of events, a segment at a time. */
import { join } from "node:path";
import { promisify } from "node:util";
// The whole module: a Node.js that is too old lacks a name of it, and is to be told so in a sentence.
import zlib from "node:zlib";
import { auditErrors } from "../errors.ts";
import { type Disk, isErrno } from "./disk.ts";
import { linesOf } from "./lines.ts";
import { type SegmentForm, type SegmentName, segmentName, segmentsAmong } from "./segment-name.ts";

const unpack: Readonly<Record<SegmentForm, (bytes: Buffer) => Promise<Buffer>>> = {
  open: async (bytes) => bytes,
  plain: async (bytes) => bytes,
  gz: promisify(zlib.gunzip),
  zst: promisify(zlib.zstdDecompress),
};

export async function readSegment(disk: Disk, path: string, form: SegmentForm): Promise<Buffer> {
  return await unpack[form](await disk.read(path));
}

export interface JournalLines {
  /** Index of the first of them. */
  readonly first: number;
  readonly lines: readonly Uint8Array[];
}

/**
 * The lines of the events `from` to `to`, exclusive, in order.
 * @param to MUST NOT be more than what was acknowledged: the last segment may hold more, which is not sure
 * @throws LOG_DAMAGED where one of them is missing
 */
export async function* readJournal(
  disk: Disk,
  folder: string,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<JournalLines> {
  let next = from;
  while (next < to) {
    const { first, lines } = await segmentWith(disk, folder, next);
    const chosen = lines.slice(next - first, Math.min(lines.length, to - first));
    if (chosen.length === 0) throw missing(folder, next);
    yield { first: next, lines: chosen };
    next += chosen.length;
  }
}

/** Names change while a writer rolls and compresses: what was listed may have another name when it is read. */
const attempts = 5;

async function segmentWith(disk: Disk, folder: string, index: number): Promise<JournalLines> {
  for (let attempt = 1; ; attempt++) {
    const segments = segmentsAmong(await disk.list(folder));
    const at = segments.findLastIndex(({ first }) => first <= index);
    const segment: SegmentName | undefined = segments[at];
    if (segment === undefined) throw missing(folder, index);
    try {
      const bytes = await readSegment(disk, join(folder, segmentName(segment)), segment.form);
      // An abandoned one holds more than counts: the next one's name says where it ends.
      const end = segments[at + 1]?.first ?? Number.POSITIVE_INFINITY;
      return { first: segment.first, lines: linesOf(bytes).slice(0, end - segment.first) };
    } catch (thrown) {
      if (attempt === attempts || !isErrno(thrown, "ENOENT")) throw thrown;
    }
  }
}

function missing(folder: string, index: number) {
  return auditErrors.error(
    "LOG_DAMAGED",
    `${folder} lacks event ${index}, which was acknowledged. Keep the folder for the inquiry and see \`cupel audit verify\`.`,
    { details: { folder, index } },
  );
}
