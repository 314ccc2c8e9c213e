/**
 * Which segments retention may remove now: complete, in the tree and under a checkpoint, all of their events older than what
 * is kept, none of them held. Never the newest, by whose name and lines the log knows its length. Reads, and writes nothing.
 */
import { join } from "node:path";
import { createTurns } from "@cupel/base";
import type { Disk } from "../journal/disk.ts";
import { linesOf } from "../journal/lines.ts";
import { readSegment } from "../journal/read-journal.ts";
import { type SegmentName, segmentName, segmentsAmong } from "../journal/segment-name.ts";
import type { LeafRange } from "../tree/proof.ts";
import { IndexRanges } from "./index-ranges.ts";
import { isHeld, type SegmentSpan } from "./retention-events.ts";
import type { RetentionHistory } from "./retention-history.ts";

export interface HeldOptions {
  readonly disk: Disk;
  /** Of the segments. */
  readonly folder: string;
  readonly history: RetentionHistory;
  /** Of segments that were read before, by their first event: what is complete does not change. */
  readonly known: Map<number, SegmentSpan>;
}

export interface DueOptions extends HeldOptions {
  /** Events of the checkpoint. */
  readonly published: number;
  /** Milliseconds since 1970: what is older is due. */
  readonly before: number;
}

export interface DueSegments {
  readonly due: readonly SegmentSpan[];
  /** Old enough, and covered by a hold, or needed to tell one. */
  readonly held: readonly SegmentSpan[];
}

export async function dueSegments(options: DueOptions): Promise<DueSegments> {
  const { disk, folder, history, published, before, known } = options;
  if (before === Number.NEGATIVE_INFINITY) return { due: [], held: [] };
  const holds = history.inForce;
  const segments = segmentsAmong(await disk.list(folder));
  const turn = createTurns();
  const due: SegmentSpan[] = [];
  const held: SegmentSpan[] = [];
  let removed: IndexRanges = history.removed;
  for (const [at, segment] of segments.entries()) {
    const follower = segments[at + 1];
    // What one that is open by name ends with is told by the name of the next: both stay.
    if (follower === undefined || segment.form === "open") break;
    if (removed.has(segment.first)) continue;
    await turn();
    const span = known.get(segment.first) ?? (await spanOf(disk, folder, segment, turn));
    known.set(segment.first, span);
    const { range, times } = span;
    // Damage is no matter of retention: nothing from here on is touched.
    if (range.end > follower.first || !removed.covers({ begin: range.end, end: follower.first })) break;
    // Those that follow are younger.
    if (times.to >= before || range.end > published) break;
    if (holds.some((hold) => isHeld(hold, times)) || history.isNeeded(range, removed)) held.push(span);
    else {
      due.push(span);
      removed = removed.with(range);
    }
  }
  return { due, held };
}

/**
 * Of what is recorded as removed and still there, that which a hold covers that was set since: its files stay until
 * it is released.
 */
export async function heldSince({ disk, folder, history, known }: HeldOptions): Promise<IndexRanges> {
  const holds = history.inForce;
  const turn = createTurns();
  const held: LeafRange[] = [];
  for (const segment of holds.length === 0 ? [] : segmentsAmong(await disk.list(folder))) {
    if (segment.form === "open" || !history.removed.has(segment.first)) continue;
    const { range, times } = known.get(segment.first) ?? (await spanOf(disk, folder, segment, turn));
    if (holds.some((hold) => isHeld(hold, times))) held.push(range);
  }
  return IndexRanges.of(held);
}

async function spanOf(
  disk: Disk,
  folder: string,
  segment: SegmentName,
  turn: () => Promise<void>,
): Promise<SegmentSpan> {
  const bytes = await readSegment(disk, join(folder, segmentName(segment)), segment.form);
  const lines = linesOf(bytes);
  // A clock that was set back puts times in another order than events.
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const line of lines) {
    await turn();
    const time = timeOf(line);
    from = Math.min(from, time);
    to = Math.max(to, time);
  }
  return { range: { begin: segment.first, end: segment.first + lines.length }, times: { from, to } };
}

/** Now, where it cannot be told: it is not old. */
function timeOf(line: Uint8Array): number {
  try {
    const { time }: { time?: unknown } = JSON.parse(Buffer.from(line).toString());
    const ms = Date.parse(String(time));
    return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
