/**
 * What is remembered of a server while the page is open: snapshots enough to say what happened in the last minute, and a
 * few numbers a look for the small curves. Both have a bound, however long the page stays open.
 */
import type { Labels } from "./metric-text.ts";
import { type Snapshot, totalOf } from "./snapshot.ts";

export interface Point {
  /** Requests for a model a second, since the point before. */
  readonly rate: number;
  readonly errorRate: number;
  readonly queued: number;
  /** Bytes. */
  readonly memory: number;
}

export interface History {
  /** The latest last. */
  readonly snapshots: readonly Snapshot[];
  readonly points: readonly Point[];
}

export const noHistory: History = { snapshots: [], points: [] };

/** Milliseconds that "the last minute" is. */
const window = 60_000;
/** Milliseconds between snapshots that are kept beside the latest. */
const apart = 10_000;
/** Five minutes of looks every two seconds. */
const mostPoints = 150;

const requests = "cupel_requests_total";

/** The work that the server is there for; that somebody looks at it is not. */
export const isWork = (labels: Labels): boolean => ["infer", "predict"].includes(labels.get("action") ?? "");
export const isError = (labels: Labels): boolean => labels.get("code") !== "OK";

/** A server that counts from the beginning again was started again: nothing of before says anything of it. */
export function remember(history: History, snapshot: Snapshot): History {
  const last = history.snapshots.at(-1);
  const isSame = last !== undefined && totalOf(last, requests) <= totalOf(snapshot, requests);
  if (!isSame) return { snapshots: [snapshot], points: [] };
  const older = history.snapshots.slice(0, -1);
  const anchor = older.at(-1);
  const known = anchor === undefined || last.at - anchor.at >= apart ? history.snapshots : older;
  // The first that is older than the window stays: the minute begins there.
  const begin = known.findLastIndex(({ at }) => snapshot.at - at >= window);
  const seconds = (snapshot.at - last.at) / 1000;
  const rateOf = (where: (labels: Labels) => boolean) =>
    seconds > 0 ? (totalOf(snapshot, requests, where) - totalOf(last, requests, where)) / seconds : 0;
  const point: Point = {
    rate: Math.max(0, rateOf(isWork)),
    errorRate: Math.max(
      0,
      rateOf((labels) => isWork(labels) && isError(labels)),
    ),
    queued: totalOf(snapshot, "cupel_queued_requests"),
    memory: totalOf(snapshot, "process_resident_memory_bytes"),
  };
  return {
    snapshots: [...known.slice(Math.max(0, begin)), snapshot],
    points: [...history.points, point].slice(-mostPoints),
  };
}

export interface Span {
  readonly now: Snapshot;
  readonly before: Snapshot;
  readonly seconds: number;
}

/** The last minute, or as much of it as was seen; null before the second look. */
export function lastMinute({ snapshots }: History): Span | null {
  const [before] = snapshots;
  const now = snapshots.at(-1);
  if (before === undefined || now === undefined || now.at <= before.at) return null;
  return { now, before, seconds: (now.at - before.at) / 1000 };
}
