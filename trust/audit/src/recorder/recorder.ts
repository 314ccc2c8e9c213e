/**
 * The recorder: one a log, on the thread that has the events. An event is stamped, checked, masked and made a line at
 * once; then it waits for the next commit, which takes all that waits. Its promise MUST NOT resolve before it is durable
 * and in the tree, or kept or lost as the policy says, of which the receipt tells.
 *
 *     event -> stamp -> check -> mask -> line -> queue -> commit (write, synchronise) -> tree (its thread) -> receipt
 *                         `-> quarantine                   `-> block | spill | count-and-drop
 *
 * Memory is bounded under each policy: what waits is counted, and one more than the bounds allow is refused or dropped.
 */
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { baseErrors, type Clock, errorFrom, reasonOf, systemClock, type WorkEvent } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { openQuarantine, type Quarantine } from "../event/quarantine.ts";
import type { EventRefusal } from "../event/refusal.ts";
import { createEventStamper } from "../event/stamp.ts";
import { systemDisk } from "../journal/disk.ts";
import { ReadingIntake } from "../reading/take-in.ts";
import type { Retention } from "../retention/retention.ts";
import { inAuditContext } from "./audit-context.ts";
import { type Batch, EventQueue, type QueueBounds, queueBounds } from "./event-queue.ts";
import { LineMaker } from "./line-maker.ts";
import { LinePile } from "./line-pile.ts";
import { LogKeeper } from "./log-keeper.ts";
import { retentionOf } from "./log-retention.ts";
import { logFolders, type OpenLog, openLog } from "./open-log.ts";
import { clockEvent, dropEvent, recoverEvent, refuseEvent } from "./own-events.ts";
import type { Receipt } from "./receipt.ts";
import { RecorderCounters, type RecorderMetrics } from "./recorder-metrics.ts";
import type { RecorderOptions } from "./recorder-options.ts";
import { Spill } from "./spill.ts";
import { SpillPolicy } from "./spill-policy.ts";
import { BlockPolicy, DropPolicy, type TroublePolicy } from "./trouble-policy.ts";
import { WaitingEvent } from "./waiting-event.ts";
import { usualWriter } from "./writer-name.ts";

export type { RecorderAlert, RecorderOptions } from "./recorder-options.ts";

export interface RecordOptions {
  /** Withdraws an event that still waits. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the receipt. Default the recorder's. */
  readonly deadline?: number | undefined;
}

export interface Recorder extends AsyncDisposable {
  /**
   * @throws EVENT_INVALID: it is in quarantine; RECORD_UNAVAILABLE: details.mayBeRecorded says whether it may still come to
   * be recorded; CANCELLED, DEADLINE_EXCEEDED by its signal
   */
  record(event: WorkEvent, options?: RecordOptions): Promise<Receipt>;
  /**
   * Applies policy.json of the folder now: what changed in it is recorded, and what is due removed. By itself the recorder does so
   * soon after it was opened and each minute.
   * @throws OPTION_INVALID of a log without a tree; RETENTION_POLICY_INVALID, FILE_LOCKED while the policy is changed, and what
   * recording and removing throw
   */
  retain(): Promise<void>;
  readonly metrics: RecorderMetrics;
}

const usualDeadline = 10_000;
const usualSlow = 2000;
/** Milliseconds between two looks at deadlines, and between two at what is due without an event. */
const expiryPeriod = 20;
const tendPeriod = 1000;

/**
 * @throws LOG_IN_USE where the log has a writer; LOG_DAMAGED where acknowledged events are missing; ORIGIN_MISMATCH,
 * KEY_UNKNOWN, OPTION_INVALID, and what writing throws
 */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const {
    folder,
    origin,
    tree,
    policy = "block",
    slow = usualSlow,
    onAlert = () => {},
    clock = systemClock,
  } = options;
  const { spillFolder, rollBytes, rollMs, compression = "none", disk = systemDisk } = options;
  if ((policy === "spill") !== (spillFolder !== undefined)) {
    throw baseErrors.error(
      "OPTION_INVALID",
      "The policy spill, and it alone, has a second folder, on another device.",
    );
  }
  await using stack = new AsyncDisposableStack();
  const counters = new RecorderCounters();
  const log = stack.use(
    await openLog({
      folder,
      origin,
      tree,
      journal: {
        clock,
        disk,
        compression,
        ...(rollBytes === undefined ? {} : { rollBytes }),
        ...(rollMs === undefined ? {} : { rollMs }),
        ...(policy === "block" ? {} : { slowMs: slow }),
        onFault: (fault) => {
          counters.faults[fault.fault]++;
          onAlert({ kind: "fault", message: fault.message });
        },
      },
    }),
  );
  const quarantine = stack.use(
    await openQuarantine(join(folder, logFolders.quarantine), {
      scrub: (value) => options.masker.scrub.value(value),
      clock,
      onRefused: ({ refusal: { message }, isKept }) =>
        onAlert({
          kind: "refused",
          message: isKept ? message : `${message} It found no room in quarantine.`,
        }),
    }),
  );
  const spill =
    spillFolder === undefined
      ? null
      : await Spill.open({ folder: spillFolder, logFolder: join(folder, logFolders.journal) });
  return new LogRecorder(options, { log, quarantine, spill, counters, owned: stack.move() });
}

interface RecorderParts {
  readonly log: OpenLog;
  readonly quarantine: Quarantine;
  readonly spill: Spill | null;
  readonly counters: RecorderCounters;
  readonly owned: AsyncDisposableStack;
}

class LogRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #parts: RecorderParts;
  readonly #clock: Clock;
  readonly #deadline: number;
  readonly #bounds: QueueBounds;
  readonly #queue: EventQueue;
  readonly #lines = new LinePile();
  readonly #maker: LineMaker;
  readonly #policy: TroublePolicy;
  readonly #retention: Retention | null;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #readings: ReadingIntake;
  /** Resolves when all that waits has been taken; null where nothing is under way. */
  #running: Promise<void> | null = null;
  #isTendingDue = false;
  /** Why no event is taken any more; null while the recorder is open. */
  #finished: Error | null = null;
  /** Whether the log has another writer by now. */
  #isLost = false;
  #closed: Promise<void> | null = null;

  constructor(options: RecorderOptions, parts: RecorderParts) {
    const { log, counters } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#clock = options.clock ?? systemClock;
    this.#deadline = options.deadline ?? usualDeadline;
    this.#bounds = { ...queueBounds, ...options.bounds };
    this.#queue = new EventQueue(this.#bounds);
    const stamper = createEventStamper({
      writer: options.writer ?? usualWriter(),
      clock: this.#clock,
      // The event that is being stamped goes first.
      onClockSet: (byMs) => queueMicrotask(() => this.#recordOwn(clockEvent(byMs))),
    });
    this.#maker = new LineMaker(stamper, options.masker);
    const keeper = new LogKeeper({
      journal: log.journal,
      tree: log.tree,
      queue: this.#queue,
      counters,
      settled: () => options.masker.settled(),
    });
    this.#policy = this.#policyOf(keeper);
    this.#retention = retentionOf(
      { ...options, disk: options.disk ?? systemDisk, clock: this.#clock },
      log,
      (event) => this.#record(event, {}, true),
      (message) => options.onAlert?.({ kind: "fault", message }),
    );
    this.#timers = [
      setInterval(() => this.#expire(), expiryPeriod).unref(),
      setInterval(() => this.#tendSoon(), tendPeriod).unref(),
    ];
    if (log.journal.recovered.torn > 0) this.#recordOwn(recoverEvent(log.journal.recovered.torn));
    if (parts.spill?.isEmpty === false) this.#tendSoon();
    this.#readings = new ReadingIntake({
      folder: options.folder,
      record: (event) => this.record(event),
      onFault: (message) => options.onAlert?.({ kind: "fault", message }),
    });
  }

  get metrics(): RecorderMetrics {
    const { counters, log } = this.#parts;
    const { tree } = log;
    return {
      retention: this.#retention?.metrics ?? null,
      ...counters,
      dropped: { ...counters.dropped },
      faults: { ...counters.faults },
      queue: { ...this.#bounds, events: this.#queue.events, bytes: this.#queue.bytes },
      tree:
        tree === null
          ? null
          : {
              size: tree.state.size,
              published: tree.state.published,
              behind: tree.behind,
              restarts: tree.restarts,
              fault: tree.fault,
            },
    };
  }

  record(event: WorkEvent, options?: RecordOptions): Promise<Receipt> {
    if (this.#finished !== null) return Promise.reject(this.#finished);
    return this.#record(event, options);
  }

  async retain(): Promise<void> {
    if (this.#finished !== null) throw this.#finished;
    if (this.#retention === null) {
      throw baseErrors.error("OPTION_INVALID", "Only a log with a tree can show what retention removed.");
    }
    await this.#retention.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** @param isExact what it says of its object is not masked: it is of the recorder itself, and is read back */
  #record(
    event: WorkEvent,
    { signal, deadline = this.#deadline }: RecordOptions = {},
    isExact = false,
  ): Promise<Receipt> {
    try {
      const made = this.#maker.make(inAuditContext(event), isExact);
      if ("refused" in made) return this.#refuse(made.refused, made.refusal);
      const until = this.#clock.monotonic() + deadline;
      const waiting = new WaitingEvent(made.stamp, event.action, this.#lines.add(made.line), until);
      if (this.#queue.isFull) {
        this.#overflow(waiting);
        return waiting.promise;
      }
      if (signal !== undefined) waiting.heed(signal);
      this.#queue.add(waiting);
      this.#wake();
      return waiting.promise;
    } catch (thrown) {
      return Promise.reject(errorFrom(thrown));
    }
  }

  #overflow(waiting: WaitingEvent): void {
    const kept = this.#policy.overflow();
    if (kept !== null) waiting.elsewhere(kept);
    else {
      this.#parts.counters.unavailable++;
      waiting.expire(`${this.#queue.events} events wait already, ${this.#whatIsWaitedFor()}`);
    }
  }

  async #refuse(event: unknown, refusal: EventRefusal): Promise<never> {
    this.#parts.counters.refused++;
    let cause: unknown;
    try {
      await this.#parts.quarantine.keepEvent(event, refusal);
    } catch (thrown) {
      cause = thrown;
    }
    const { pointer, keyword, message } = refusal;
    void this.#recordOwn(refuseEvent(refusal, cause === undefined));
    throw auditErrors.error("EVENT_INVALID", `The event is not recorded: ${message}`, {
      cause,
      details: { pointer, keyword },
    });
  }

  #wake(): void {
    // What else this turn of the event loop records goes with it.
    this.#running ??= nextTurn()
      .then(() => this.#run())
      // None is expected. Whoever waits gets an answer at the deadline, and the next event begins anew.
      .catch((thrown: unknown) => {
        this.#running = null;
        this.#options.onAlert?.({ kind: "fault", message: reasonOf(thrown) });
      });
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#isTendingDue) await this.#tend();
      if (this.#queue.isEmpty) break;
      const batch = this.#queue.take();
      if (batch.length > 0 && !this.#isLost) await this.#policy.keep(batch);
      else this.#drop(batch);
    }
    this.#running = null;
  }

  /** Of a log that is lost; else there is nothing in it. */
  #drop(batch: Batch): void {
    const reason = this.#finished;
    if (reason !== null) for (const event of batch) event.fail(reason);
    this.#queue.done(batch);
  }

  #tendSoon(): void {
    this.#isTendingDue = true;
    this.#wake();
  }

  async #tend(): Promise<void> {
    this.#isTendingDue = false;
    const { lock, journal, tree } = this.#parts.log;
    try {
      await lock.assertHeld();
    } catch (thrown) {
      // Another one writes by now: nothing more may be written here.
      this.#lose(errorFrom(thrown));
    }
    if (this.#isLost) return;
    await journal.tend();
    await this.#policy.tend();
    tree?.publish();
    this.#retention?.tend();
  }

  #lose(reason: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#finished ??= reason;
    this.#parts.log.abandon();
    this.#options.onAlert?.({ kind: "lost", message: reason.message });
  }

  #expire(): void {
    this.#parts.counters.unavailable += this.#queue.expire(this.#clock.monotonic(), this.#whatIsWaitedFor());
  }

  #whatIsWaitedFor(): string {
    const { counters, log } = this.#parts;
    if (counters.trouble !== null) return `the log is in trouble (${counters.trouble})`;
    const fault = log.tree?.fault ?? null;
    return fault === null ? "the disk has not answered yet" : `the tree does not go on (${fault})`;
  }

  /** Of the recorder itself. It says in its metrics what the record cannot. */
  async #recordOwn(event: WorkEvent): Promise<boolean> {
    try {
      return (await this.#record(event)).state !== "dropped";
    } catch {
      return false;
    }
  }

  #policyOf(log: LogKeeper): TroublePolicy {
    const { counters, spill, log: opened } = this.#parts;
    const parts = { log, queue: this.#queue, counters, clock: this.#clock };
    if (spill !== null) return new SpillPolicy({ ...parts, spill, logNext: () => opened.journal.next });
    return this.#options.policy === "count-and-drop"
      ? new DropPolicy({
          ...parts,
          recordDrop: (dropped) => this.#recordOwn(dropEvent(dropped)),
          onUntold: (message) => this.#options.onAlert?.({ kind: "fault", message }),
        })
      : new BlockPolicy(parts);
  }

  async #close(): Promise<void> {
    await this.#readings.close();
    this.#finished ??= auditErrors.error("RECORD_UNAVAILABLE", "The recorder is closed.", {
      withoutStack: true,
    });
    this.#tendSoon();
    // Whoever waits has an answer by then, and what a disk does not answer is not waited for.
    const late = new AbortController();
    await Promise.race([
      Promise.all([this.#retention?.close(), this.#queue.emptied()]).then(() => this.#running),
      pause(this.#deadline + tendPeriod, undefined, { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
    // What it records has a deadline too, which a timer sees to.
    if (!this.#isLost) await this.#policy.close();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#parts.owned.disposeAsync();
  }
}
