/**
 * What becomes of events while the log is in trouble, as the operator chose:
 *   block            they wait, each to its deadline
 *   spill            they go to a second folder, and from there to the log when it works again (`spill-policy.ts`)
 *   count-and-drop   they are lost, and counted by cause; the count is recorded when the log works again
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Clock, reasonOf } from "@cupel/base";
import type { ActionCode } from "../event/actions.ts";
import { JournalFault } from "../journal/journal-fault.ts";
import type { Batch, EventQueue } from "./event-queue.ts";
import type { LogKeeper } from "./log-keeper.ts";
import type { RecorderCounters, TroubleCause } from "./recorder-metrics.ts";

export type TroublePolicyName = "block" | "spill" | "count-and-drop";

export interface TroublePolicy {
  /** Every event of the batch is settled, or goes back into the queue. Never throws. */
  keep(batch: Batch): Promise<void>;
  /** Called each second between batches. */
  tend(): Promise<void>;
  /** For one more than the queue takes. @returns null where it must be refused */
  overflow(): "dropped" | null;
  /** No further batch comes but of what the policy itself records. Never throws. */
  close(): Promise<void>;
}

export interface PolicyParts {
  readonly log: LogKeeper;
  readonly queue: EventQueue;
  readonly counters: RecorderCounters;
  readonly clock: Clock;
}

/** Milliseconds until a log in trouble is tried again; doubled by each failure. */
const firstPause = 25;
const longestPause = 1000;

/** When the log may be tried again. */
export class Backoff {
  readonly #clock: Clock;
  #pause = 0;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#until;
  }

  get left(): number {
    return Math.max(0, this.#until - this.#clock.monotonic());
  }

  failed(): void {
    this.#pause = Math.min(longestPause, this.#pause === 0 ? firstPause : 2 * this.#pause);
    this.#until = this.#clock.monotonic() + this.#pause;
  }

  succeeded(): void {
    this.#pause = 0;
    this.#until = 0;
  }
}

/** The cause, counted by whoever watches the journal. Anything else thrown is a trouble of the disk too: nothing ends the recorder. */
export function causeOf(thrown: unknown): TroubleCause {
  return thrown instanceof JournalFault ? thrown.fault : JournalFault.of(thrown, reasonOf(thrown)).fault;
}

export class BlockPolicy implements TroublePolicy {
  readonly #parts: PolicyParts;
  readonly #backoff: Backoff;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.clock);
  }

  async keep(batch: Batch): Promise<void> {
    const { log, queue, counters } = this.#parts;
    try {
      await log.keep(batch);
      this.#backoff.succeeded();
      counters.trouble = null;
    } catch (thrown) {
      counters.trouble = causeOf(thrown);
      counters.faults[counters.trouble]++;
      queue.putBack(batch);
      this.#backoff.failed();
      await pause(this.#backoff.left);
    }
  }

  async tend(): Promise<void> {}

  overflow(): null {
    return null;
  }

  async close(): Promise<void> {}
}

/**
 * Tells what is an end: no later event says the same, and whoever stops does so soon after. Under `count-and-drop` they are tried
 * in a pause too.
 */
const ends: ReadonlySet<string> = new Set<ActionCode>([
  "AUDIT.CLOSE",
  "AUDIT.DROP",
  "SERVE.STOP",
  ...(["COMPRESS", "EVAL", "PREDICT", "TRAIN"] as const).flatMap(
    (work) => [`${work}.FINISH`, `${work}.FAIL`, `${work}.CANCEL`] as const,
  ),
]);

export interface DropParts extends PolicyParts {
  /** Records the event that says how many were lost. @returns whether it is in the log. Never throws. */
  readonly recordDrop: (dropped: ReadonlyMap<TroubleCause, number>) => Promise<boolean>;
  /** Told when the policy is closed, of events that were lost and that the log does not tell of. */
  readonly onUntold: (message: string) => void;
}

export class DropPolicy implements TroublePolicy {
  readonly #parts: DropParts;
  readonly #backoff: Backoff;
  /** Not told in the log yet. */
  readonly #untold = new Map<TroubleCause, number>();
  /** What is being told. */
  #telling: Promise<void> | null = null;
  #isClosing = false;

  constructor(parts: DropParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.clock);
  }

  async keep(batch: Batch): Promise<void> {
    const { log, counters } = this.#parts;
    const isPaused = counters.trouble !== null && !this.#backoff.isOver && !this.#isClosing;
    if (isPaused && counters.trouble !== null && !batch.some(({ action }) => ends.has(action))) {
      this.#drop(batch, counters.trouble);
      return;
    }
    try {
      await log.keep(batch);
      this.#backoff.succeeded();
      counters.trouble = null;
    } catch (thrown) {
      counters.trouble = causeOf(thrown);
      counters.faults[counters.trouble]++;
      this.#drop(batch, counters.trouble);
      this.#backoff.failed();
      return;
    }
    this.#tell();
  }

  async tend(): Promise<void> {
    if (this.#backoff.isOver) this.#tell();
  }

  overflow(): "dropped" {
    this.#count("queue", 1);
    return "dropped";
  }

  /** The last occasion: a pause is not waited for. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#telling;
    this.#tell();
    await this.#telling;
    if (this.#untold.size === 0) return;
    const counts = [...this.#untold].map(([cause, events]) => `${cause} ${events}`).join(", ");
    this.#parts.onUntold(`Events were lost that the record does not tell of: ${counts}.`);
  }

  #drop(batch: Batch, cause: TroubleCause): void {
    for (const event of batch) event.elsewhere("dropped");
    this.#parts.queue.done(batch);
    this.#count(cause, batch.length);
  }

  #count(cause: TroubleCause, events: number): void {
    this.#parts.counters.dropped[cause] += events;
    this.#addUntold(cause, events);
  }

  #addUntold(cause: TroubleCause, events: number): void {
    this.#untold.set(cause, (this.#untold.get(cause) ?? 0) + events);
  }

  #tell(): void {
    if (this.#untold.size === 0 || this.#telling !== null) return;
    const dropped = new Map(this.#untold);
    this.#untold.clear();
    this.#telling = this.#parts.recordDrop(dropped).then((isLogged) => {
      this.#telling = null;
      if (isLogged) return;
      for (const [cause, events] of dropped) this.#addUntold(cause, events);
    });
  }
}
