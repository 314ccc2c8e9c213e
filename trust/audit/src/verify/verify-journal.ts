/** Holds each line of the journal against the hash that the tree has of it. */
import { join } from "node:path";
import { CupelError, createTurns } from "@cupel/base";
import type { Disk } from "../journal/disk.ts";
import type { IndexRanges } from "../retention/index-ranges.ts";
import { bundleWidth } from "../tree/entry-bundle.ts";
import type { LogReader } from "../tree/log-reader.ts";
import { TILE_WIDTH, tileBytes, tilePath } from "../tree/tile-layout.ts";
import { leafHash } from "../tree/tree-hash.ts";
import { compareLines, type LineDifference } from "./compare-lines.ts";
import { eventsText, type FindingKind, type LogFinding } from "./finding.ts";
import { type FoundSegment, readSegments } from "./read-segments.ts";

const JOURNAL = "journal";

export interface JournalReport {
  readonly findings: readonly LogFinding[];
  /** Lines in it. */
  readonly lines: number;
  /** Of them, those after the last event of the checkpoint. */
  readonly uncovered: number;
}

export interface JournalTree {
  readonly log: LogReader;
  /** Of the checkpoint; 0 where there is none. */
  readonly size: number;
  /** Events that retention removed, as the log records. What is left of them is no fault. */
  readonly removed: IndexRanges;
  /** Tiles of level 0 that do not hold the hashes of their entries. */
  readonly wrongTiles: ReadonlySet<string>;
}

/** @param folder of the log. @throws LOG_UNREADABLE */
export async function verifyJournal(disk: Disk, folder: string, tree: JournalTree): Promise<JournalReport> {
  const { size, removed } = tree;
  const findings: LogFinding[] = [];
  const tellGap = (begin: number, end: number) =>
    findings.push(...removed.without({ begin, end }).map((each) => gap(each.begin, each.end - each.begin)));
  const turn = createTurns();
  let next = 0;
  let lines = 0;
  let uncovered = 0;
  for await (const found of readSegments(disk, join(folder, JOURNAL))) {
    await turn();
    const segment = { ...found, end: endOf(found, removed) };
    const path = `${JOURNAL}/${segment.name}`;
    tellGap(next, segment.first);
    next = segment.end ?? Math.max(size, segment.first);
    if (segment.lines === null) {
      const count = Math.max(0, (segment.end ?? size) - segment.first);
      const message = `${path} cannot be unpacked: its bytes were changed or cut.`;
      findings.push({ kind: "segment-damaged", path, index: segment.first, count, message });
      continue;
    }
    lines += segment.lines.length;
    const compared = await compareSegment(tree, segment, segment.lines);
    uncovered += compared.uncovered;
    findings.push(...compared.differences.map((each) => findingOf(path, segment, size, each)));
  }
  next = removed.without({ begin: next, end: size })[0]?.begin ?? size;
  if (next < size) {
    const message = `The journal ends before ${eventsText(next, size - next)}, which the checkpoint tells of.`;
    findings.push({ kind: "truncated", path: null, index: next, count: size - next, message });
  }
  return { findings, lines, uncovered };
}

/** Where its lines must end: where the next one begins, or what was removed. One that is itself recorded as removed may have any. */
function endOf({ first, end, lines }: FoundSegment, removed: IndexRanges): number | null {
  if (end === null) return null;
  if (removed.has(first)) return Math.min(end, first + (lines?.length ?? 0));
  const next = removed.ranges.find(({ begin }) => begin > first);
  return Math.min(end, next?.begin ?? end);
}

function gap(index: number, count: number): LogFinding {
  const message = `The journal lacks ${eventsText(index, count)}: the files that began with them were removed.`;
  return { kind: "segments-removed", path: null, index, count, message };
}

interface SegmentComparison {
  readonly differences: readonly LineDifference[];
  readonly uncovered: number;
}

async function compareSegment(
  tree: JournalTree,
  { first, end, form }: FoundSegment,
  lines: readonly Uint8Array[],
): Promise<SegmentComparison> {
  const { size } = tree;
  // An open one that was abandoned holds more than counts; a complete one does not.
  const counted = end !== null && form === "open" ? lines.slice(0, end - first) : lines;
  const covered = Math.max(0, Math.min(end ?? size, size) - first);
  const expected = await leavesOf(tree, first, first + covered);
  // The files whose hashes are not to be had are told already.
  if (expected === null) return { differences: [], uncovered: 0 };
  const { differences, beyond } = compareLines(expected, counted.map(leafHash));
  if (end === null) return { differences, uncovered: beyond };
  // What the next one's name says is there, covered by the checkpoint or not.
  const room = end - first - covered;
  return {
    differences: [
      ...differences,
      ...(beyond < room
        ? [{ kind: "removed" as const, at: covered + beyond, count: room - beyond }]
        : beyond > room
          ? [{ kind: "inserted" as const, at: end - first, count: beyond - room }]
          : []),
    ],
    uncovered: Math.min(beyond, room),
  };
}

/** The hashes of events that the tree has; null where neither a tile nor a bundle has all of them. */
async function leavesOf(
  { log, size, wrongTiles }: JournalTree,
  from: number,
  to: number,
): Promise<Uint8Array[] | null> {
  const leaves: Uint8Array[] = [];
  for (let at = from; at < to; ) {
    const index = Math.floor(at / TILE_WIDTH);
    const begin = index * TILE_WIDTH;
    const place = { level: 0, index, width: bundleWidth(size, index) };
    const tile = wrongTiles.has(tilePath(place)) ? null : await unlessWrong(log.tile(place));
    const bundle = tile === null ? await unlessWrong(log.bundle(index, place.width)) : null;
    const hashes =
      tile === null
        ? bundle?.map(leafHash)
        : Array.from({ length: place.width }, (_, i) => tile.subarray(tileBytes(i), tileBytes(i + 1)));
    if (hashes === undefined) return null;
    const chosen = hashes.slice(at - begin, Math.min(to - begin, TILE_WIDTH));
    leaves.push(...chosen);
    at += chosen.length;
  }
  return leaves;
}

async function unlessWrong<Value>(value: Promise<Value>): Promise<Value | null> {
  try {
    return await value;
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code === "LOG_UNREADABLE") throw thrown;
    return null;
  }
}

const kindOf: Readonly<Record<LineDifference["kind"], FindingKind>> = {
  edited: "event-edited",
  removed: "event-removed",
  inserted: "event-inserted",
  reordered: "events-reordered",
};

const sayings: Readonly<Record<LineDifference["kind"], (events: string, path: string) => string>> = {
  edited: (events, path) => `In ${path}, ${events} were changed after they were recorded.`,
  removed: (events, path) => `${path} lacks ${events}: they were removed.`,
  inserted: (events, path) => `${path} has lines before ${events} that were never recorded there.`,
  reordered: (events, path) => `In ${path}, ${events} stand in another order than they were recorded in.`,
};

function findingOf(
  path: string,
  { first, end }: FoundSegment,
  size: number,
  { kind, at, count }: LineDifference,
): LogFinding {
  const index = first + at;
  const after = index + count;
  if (kind === "removed" && after === (end ?? size)) {
    const message =
      end === null
        ? `The journal ends before ${eventsText(index, count)}, which the checkpoint tells of.`
        : `The journal lacks ${eventsText(index, count)}: the end of ${path} was cut, or the files after it were removed.`;
    return { kind: end === null ? "truncated" : "segments-removed", path, index, count, message };
  }
  return { kind: kindOf[kind], path, index, count, message: sayings[kind](eventsText(index, count), path) };
}
