/** What a recorder is opened with. */
import type { Clock } from "@cupel/base";
import type { Compression } from "../journal/compress-segment.ts";
import type { Disk } from "../journal/disk.ts";
import type { Masker } from "../masking/masker.ts";
import type { QueueBounds } from "./event-queue.ts";
import type { TreeOptions } from "./open-log.ts";
import type { TroublePolicyName } from "./trouble-policy.ts";

export interface RecorderAlert {
  /** "fault": the disk or retention; "refused": an event that is in quarantine, or found no room there; "lost": the log has another writer now. */
  readonly kind: "fault" | "refused" | "lost";
  /** A sentence. It repeats nothing of an event. */
  readonly message: string;
}

export interface RecorderOptions {
  /** Of the log; made where it is not there. */
  readonly folder: string;
  /** Which log this is: a URL without its scheme, as a rule. */
  readonly origin: string;
  /** Null for a journal without proofs. */
  readonly tree: TreeOptions | null;
  /** Stays its owner's, who closes it after the recorder. */
  readonly masker: Masker;
  /** When the log is in trouble. Default "block". */
  readonly policy?: TroublePolicyName;
  /** Of `spill`, on another device. What an earlier recorder left there is brought to the log. */
  readonly spillFolder?: string;
  /** Milliseconds that a caller waits for a receipt. Default 10,000. */
  readonly deadline?: number;
  /** Under `spill` and `count-and-drop`: a disk that takes longer than this for a commit is in trouble, milliseconds. Default 2,000. */
  readonly slow?: number;
  readonly bounds?: Partial<QueueBounds>;
  /** Bytes of a segment. Default 64 MiB. */
  readonly rollBytes?: number;
  /** Age of a segment, milliseconds. Default an hour. */
  readonly rollMs?: number;
  /** Of completed segments. Default "none". */
  readonly compression?: Compression | undefined;
  /** Unique to this recorder. Default of the host, the process and chance. */
  readonly writer?: string;
  readonly clock?: Clock;
  /** That the journal is on. Default the system's. */
  readonly disk?: Disk;
  /** Must not throw. */
  readonly onAlert?: (alert: RecorderAlert) => void;
}
