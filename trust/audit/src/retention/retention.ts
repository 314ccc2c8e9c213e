/**
 * Retention as the writer of a log does it, beside recording, in passes:
 *
 *     policy.json ─ changes since the last pass ─> recorded (CHANGE, HOLD.SET, HOLD.RELEASE)
 *     segments that are due ─> recorded, one by one (RETENTION.DELETE) ─> under a checkpoint ─> files removed
 *
 * Nothing is removed before the record that says so is signed. What a crash leaves of a removal is ended by the next pass.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, reasonOf, type WorkEvent } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { Disk } from "../journal/disk.ts";
import type { NoteKey, NoteSigningKey } from "../note/note-key.ts";
import { dueSegments, heldSince } from "./due-segments.ts";
import type { IndexRanges } from "./index-ranges.ts";
import { policyChanges } from "./policy-changes.ts";
import { readHistory } from "./read-history.ts";
import { deleteEvent, type RetentionStep, type SegmentSpan } from "./retention-events.ts";
import type { RetentionHistory } from "./retention-history.ts";
import {
  lockRetentionPolicy,
  parseRetentionPolicy,
  policyFile,
  readRetentionPolicy,
} from "./retention-policy.ts";
import { savedFile, saveRetention } from "./saved-retention.ts";
import { removeBundles, removeSegments } from "./sweep.ts";

export interface RetentionMetrics {
  /** Since the log was opened. */
  readonly removedSegments: number;
  readonly removedEvents: number;
  /** Why the last pass ended early; null where it did not. */
  readonly fault: string | null;
}

/** What retention needs of the log that it is part of. */
export interface RetentionLog {
  readonly folder: string;
  /** Folder of the segments, within it. */
  readonly journal: string;
  readonly origin: string;
  readonly key: NoteSigningKey;
  readonly formerKeys: readonly NoteKey[];
  readonly disk: Disk;
  readonly clock: Clock;
  /** Events that the journal had when it was opened. */
  readonly opened: number;
  /** Index that the next event gets. */
  next(): number;
  /** Events of the checkpoint on the disk. */
  published(): number;
  /** Resolves when the checkpoint covers so many. */
  publish(size: number): Promise<void>;
  /** Exactly as it is. @returns its index. Rejects where it is not in the log. */
  record(event: WorkEvent): Promise<number>;
  /** @throws FILE_LOCKED where the log has another writer by now */
  assertHeld(): Promise<void>;
}

/** Milliseconds between two passes. A policy that was changed takes effect as fast. */
const period = 60_000;

interface Loaded {
  readonly history: RetentionHistory;
  swept: IndexRanges;
}

export class Retention {
  readonly #log: RetentionLog;
  readonly #onFault: (message: string) => void;
  readonly #known = new Map<number, SegmentSpan>();
  #loaded: Loaded | null = null;
  #running: Promise<void> | null = null;
  #nextAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #removedSegments = 0;
  #removedEvents = 0;
  #fault: string | null = null;

  /** @param onFault told of a pass that ended early, once for each cause */
  constructor(log: RetentionLog, onFault: (message: string) => void) {
    this.#log = log;
    this.#onFault = onFault;
  }

  get metrics(): RetentionMetrics {
    return {
      removedSegments: this.#removedSegments,
      removedEvents: this.#removedEvents,
      fault: this.#fault,
    };
  }

  /** Begins a pass where one is due. Call it each second. */
  tend(): void {
    if (this.#running === null && this.#log.clock.monotonic() >= this.#nextAt) this.run().catch(() => {});
  }

  /** A whole pass, after the one that may be under way. @throws what ended it early */
  async run(): Promise<void> {
    while (this.#running !== null) await this.#running.catch(() => {});
    if (this.#isClosed) return;
    this.#nextAt = this.#log.clock.monotonic() + period;
    const running = this.#pass().then(
      () => {
        this.#fault = null;
      },
      (thrown: unknown) => {
        this.#tell(thrown);
        throw thrown;
      },
    );
    this.#running = running.finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /** Resolves when no pass is under way; none begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running?.catch(() => {});
  }

  #tell(thrown: unknown): void {
    if (this.#isClosed) return;
    const reason = `Retention: ${reasonOf(thrown)}`;
    if (reason === this.#fault) return;
    this.#fault = reason;
    this.#onFault(reason);
  }

  async #pass(): Promise<void> {
    const { folder, clock } = this.#log;
    if (this.#loaded === null && !(await this.#isAsked())) return;
    await using _lock = await lockRetentionPolicy(folder);
    const policy = parseRetentionPolicy((await readRetentionPolicy(folder)) ?? {});
    const loaded = await this.#load();
    for (const { event, step } of policyChanges(policy, loaded.history, clock.now())) {
      await this.#record(loaded, event, step);
    }
    await this.#recordDue(loaded, clock.now() - policy.keepMs);
    await this.#sweep(loaded);
    await this.#save(loaded);
  }

  /** A log without a policy, that never had one, is left alone. */
  async #isAsked(): Promise<boolean> {
    for (const name of [policyFile, savedFile]) {
      if ((await stat(join(this.#log.folder, name)).catch(() => null)) !== null) return true;
    }
    return false;
  }

  async #load(): Promise<Loaded> {
    if (this.#loaded !== null) return this.#loaded;
    const { key, formerKeys, opened } = this.#log;
    this.#loaded = await readHistory({ ...this.#log, logKeys: [key, ...formerKeys] }, opened);
    return this.#loaded;
  }

  async #record({ history }: Loaded, event: WorkEvent, step: RetentionStep): Promise<void> {
    this.#assertOpen();
    history.take(step, await this.#log.record(event));
  }

  async #recordDue(loaded: Loaded, before: number): Promise<void> {
    const { folder, journal, disk } = this.#log;
    const { history } = loaded;
    await this.#log.publish(this.#log.next());
    const { due } = await dueSegments({
      disk,
      folder: join(folder, journal),
      history,
      published: this.#log.published(),
      before,
      known: this.#known,
    });
    for (const span of due) {
      const removed = history.removed.with(span.range);
      await this.#record(loaded, deleteEvent(span, removed), { kind: "delete", span, removed });
      this.#removedSegments++;
      this.#removedEvents += span.range.end - span.range.begin;
    }
  }

  async #sweep(loaded: Loaded): Promise<void> {
    const { disk } = this.#log;
    const { history } = loaded;
    if (history.removed.isEmpty) return;
    const folder = join(this.#log.folder, this.#log.journal);
    const known = this.#known;
    const removed = history.removed.minus(await heldSince({ disk, folder, history, known }));
    const pending = removed.minus(loaded.swept);
    if (!pending.isEmpty) await this.#log.publish(this.#log.next());
    this.#assertOpen();
    await this.#log.assertHeld();
    await removeSegments(disk, folder, removed);
    await removeBundles(disk, this.#log.folder, removed, pending);
    loaded.swept = removed;
    for (const first of known.keys()) if (removed.has(first)) known.delete(first);
  }

  async #save({ history, swept }: Loaded): Promise<void> {
    this.#assertOpen();
    await this.#log.assertHeld();
    const { folder, origin, key } = this.#log;
    await saveRetention(folder, origin, key, { state: history.state, next: this.#log.next(), swept });
  }

  /** A pass that ends early is gone on with by whoever opens the log next. */
  #assertOpen(): void {
    if (this.#isClosed) {
      throw auditErrors.error("RECORD_UNAVAILABLE", "The recorder is closed.", { withoutStack: true });
    }
  }
}
