/** What a map tells about itself. */
import type { Attachment } from "./attachment.ts";
import {
  EVENTS_LOST,
  EVICTIONS,
  EXPIRATIONS,
  FIRST_PAGE,
  FREE_UNITS,
  FRONTIER,
  HITS,
  LANE_BYTES,
  LANES,
  LIMBO_UNITS,
  LOAD_FAILURES,
  LOADS,
  MISSES,
  OWNER,
  PAGE_BYTES,
  SPLITS,
  STALLS,
  UNSTORED,
} from "./core/layout.ts";

export interface SharedMapStats {
  readonly size: number;
  /** Of all threads since the map was created; a read by iteration is none. */
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Entries that were taken out because they had expired. */
  readonly expirations: number;
  /** Segments that were split or rebuilt. */
  readonly splits: number;
  /** Milliseconds, about, that writes waited for threads that the system had stopped in the middle of a call. */
  readonly stalls: number;
  /** Calls of loaders by `fetch`; of them, those that failed, and those whose value could not be stored. */
  readonly loads: number;
  readonly loadFailures: number;
  readonly unstored: number;
  /** Evictions and expirations that a listening thread could not be told of. */
  readonly eventsLost: number;
  /** Bytes of blocks that are in use, the table's included; not of those that wait to be freed, which are as good as free. */
  readonly usedBytes: number;
  /** Bytes touched so far, tables of the memory itself included. */
  readonly memoryBytes: number;
  /** Bytes that it may take. */
  readonly maxBytes: number;
  /** Threads that have it open. */
  readonly threads: number;
}

export function readStats(attachment: Attachment): SharedMapStats {
  const { words, doubles, core, handle } = attachment;
  // So that threads that have ended, and what they had in hand, are not counted.
  attachment.recoverDead();
  const { maxThreads, maxBytes } = handle.settings;
  const lanes = Array.from({ length: maxThreads }, (_, i) => words[LANES >> 2]! + i * LANE_BYTES);
  const sum = (field: number) => lanes.reduce((total, at) => total + doubles[(at + field) >> 3]!, 0);
  const taken = words[FRONTIER >> 2]! * PAGE_BYTES;
  return {
    size: core.countEntries(),
    hits: sum(HITS),
    misses: sum(MISSES),
    evictions: sum(EVICTIONS),
    expirations: sum(EXPIRATIONS),
    splits: sum(SPLITS),
    stalls: sum(STALLS),
    loads: sum(LOADS),
    loadFailures: sum(LOAD_FAILURES),
    unstored: sum(UNSTORED),
    eventsLost: sum(EVENTS_LOST),
    usedBytes: taken - (words[FREE_UNITS >> 2]! + words[LIMBO_UNITS >> 2]!) * 8,
    memoryBytes: words[FIRST_PAGE >> 2]! + taken,
    maxBytes,
    threads: lanes.filter((at) => words[(at + OWNER) >> 2] !== 0).length,
  };
}
