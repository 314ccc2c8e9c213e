/** What a recorder has done and where it stands, for whoever watches. All numbers count from when it was opened. */
import { type FaultCause, faultCauses } from "../journal/journal-fault.ts";
import type { RetentionMetrics } from "../retention/retention.ts";

/** "queue": too many wait already. */
export type TroubleCause = FaultCause | "queue";

const causes = [...faultCauses, "queue"] as const satisfies readonly TroubleCause[];

export type CauseCounts = Readonly<Record<TroubleCause, number>>;

export interface RecorderMetrics {
  /** Events with a receipt of the log. */
  readonly logged: number;
  /** Events kept in the second folder instead. */
  readonly spilled: number;
  /** Of these, brought to the log since. */
  readonly replayed: number;
  /** Events lost under `count-and-drop`, by cause. */
  readonly dropped: CauseCounts;
  /** Calls that got RECORD_UNAVAILABLE. */
  readonly unavailable: number;
  /** Events that the check refused. */
  readonly refused: number;
  /** Troubles of the disk, by cause; those that were mended too. */
  readonly faults: CauseCounts;
  readonly commits: number;
  /** Since the last commit succeeded the log has been in this trouble; null where it is well. */
  readonly trouble: TroubleCause | null;
  readonly queue: {
    /** Events without a receipt, and what is the most. */
    readonly events: number;
    readonly mostEvents: number;
    /** Of their lines. */
    readonly bytes: number;
    readonly mostBytes: number;
  };
  /** Null of a log without a tree. */
  readonly tree: {
    readonly size: number;
    /** Of the checkpoint on the disk. */
    readonly published: number;
    /** Events that are durable and not in the tree yet. */
    readonly behind: number;
    /** Threads that had to be begun anew. */
    readonly restarts: number;
    /** A sentence; null where all is well. */
    readonly fault: string | null;
  } | null;
  /** Null of a log without a tree. */
  readonly retention: RetentionMetrics | null;
}

export class RecorderCounters {
  logged = 0;
  spilled = 0;
  replayed = 0;
  unavailable = 0;
  refused = 0;
  commits = 0;
  trouble: TroubleCause | null = null;
  readonly dropped = zeros();
  readonly faults = zeros();
}

function zeros(): Record<TroubleCause, number> {
  const counts: Partial<Record<TroubleCause, number>> = {};
  for (const cause of causes) counts[cause] = 0;
  return counts as Record<TroubleCause, number>;
}
