/**
 * The journal: the record itself, from which tiles and proofs are derived. Lines go to segments, files named by the index
 * of their first event. It MUST NOT say that events are kept before they are durable under a name that is durable, and
 * MUST NOT lose one of which it said so. One commit at a time; group commit is the caller's, who hands over all that
 * waits in one piece.
 */
import { type Clock, systemClock } from "@cupel/base";
import { type Compression, compressSegment } from "./compress-segment.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { JournalFault } from "./journal-fault.ts";
import { OpenSegment, type SegmentPlace } from "./open-segment.ts";
import { type RecoveredJournal, recoverJournal } from "./recover-journal.ts";

export interface JournalOptions {
  /** Of the segments. */
  readonly folder: string;
  /** Where what was never acknowledged is set aside. */
  readonly quarantine: string;
  /** Default the system's. */
  readonly disk?: Disk;
  /** Default the system's. */
  readonly clock?: Clock;
  /** A segment of this many bytes is completed. Default 64 MiB. */
  readonly rollBytes?: number;
  /** So is one this old, in milliseconds. Default an hour. */
  readonly rollMs?: number;
  /** Of completed segments. Default "none". */
  readonly compression?: Compression;
  /** A commit that takes longer fails as slow, in milliseconds. Default: it may take any time. */
  readonly slowMs?: number;
  /** Told of each trouble, also of one that was mended. */
  readonly onFault?: (fault: JournalFault) => void;
}

export const journalDefaults = {
  /** Read whole when a log is opened and when a gap of the tree is filled: small enough for memory. */
  rollBytes: 64 * 2 ** 20,
  rollMs: 3_600_000,
} as const;

export class Journal {
  readonly recovered: RecoveredJournal;
  readonly #place: SegmentPlace;
  readonly #options: JournalOptions;
  readonly #clock: Clock;
  /** Complete by content, and not yet by name. */
  #incomplete: OpenSegment[] = [];
  #segment: OpenSegment | null = null;
  #next: number;
  /** A commit that was given up as slow and has not ended. */
  #stuck: Promise<unknown> | null = null;
  #background: Promise<void> = Promise.resolve();

  private constructor(options: JournalOptions, place: SegmentPlace, recovered: RecoveredJournal) {
    this.#options = options;
    this.#place = place;
    this.#clock = options.clock ?? systemClock;
    this.recovered = recovered;
    this.#next = recovered.next;
  }

  /** The caller sees to it that there is one writer. @throws LOG_DAMAGED, and what the system threw */
  static async open(options: JournalOptions): Promise<Journal> {
    const { folder, quarantine, disk = systemDisk } = options;
    const place: SegmentPlace = { disk, folder, quarantine };
    const recovered = await recoverJournal(disk, place);
    const journal = new Journal(options, place, recovered);
    if (recovered.open !== null) journal.#segment = await OpenSegment.resume(place, recovered.open);
    return journal;
  }

  /** Index that the next event gets. */
  get next(): number {
    return this.#next;
  }

  /**
   * Resolves when the lines are durable.
   * @param bytes of `count` lines, each with its newline
   * @returns the index of the first of them
   * @throws JournalFault: none of them counts. The same may be tried again; after `slow` it fails at once until the
   * system has answered
   */
  async commit(bytes: Uint8Array, count: number): Promise<number> {
    if (this.#stuck !== null)
      throw new JournalFault("slow", "The disk has not answered an earlier write yet");
    const { slowMs } = this.#options;
    const work = this.#append(bytes, count);
    if (slowMs !== undefined) await this.#inTime(work, slowMs);
    const segment = await work;
    const first = this.#next;
    this.#next += count;
    if (segment.size >= (this.#options.rollBytes ?? journalDefaults.rollBytes)) this.#retire(segment);
    return first;
  }

  /** What is due without a commit: names looked at, an old segment completed. Call it each second, between commits. */
  async tend(): Promise<void> {
    const segment = this.#segment;
    if (segment === null || this.#stuck !== null) return;
    const age = this.#clock.now() - segment.since;
    try {
      await segment.watch((fault) => this.#tell(fault));
      if (
        segment.isAbandoned ||
        (segment.count > 0 && age >= (this.#options.rollMs ?? journalDefaults.rollMs))
      ) {
        this.#retire(segment);
      }
      await this.#completeAll();
    } catch (thrown) {
      this.#tell(JournalFault.of(thrown, "watching the journal"));
    }
  }

  /** The segment that is open, if any, is complete by name when it resolves. @throws JournalFault where that failed */
  async completeOpen(): Promise<void> {
    if (this.#segment !== null) this.#retire(this.#segment);
    await this.#completeAll();
    if (this.#incomplete.length > 0) throw new JournalFault("io", "A segment could not be completed");
  }

  /**
   * The segment that is open stays so; whoever opens the log next goes on with it.
   * @param complete whether segments that are complete by content get their names. Default true.
   */
  async close(complete = true): Promise<void> {
    if (complete && this.#stuck === null) await this.#completeAll();
    await this.#background;
    // A write that the system has not answered goes, if ever, to a file that whoever opens the log next has copied and replaced.
    if (this.#stuck === null) await this.#segment?.release();
    for (const segment of this.#incomplete) await segment.release();
    this.#segment = null;
  }

  async #append(bytes: Uint8Array, count: number): Promise<OpenSegment> {
    await this.#completeAll();
    try {
      this.#segment ??= await OpenSegment.begin(this.#place, this.#next, this.#clock.now());
    } catch (thrown) {
      throw JournalFault.of(thrown, `beginning a segment in ${this.#place.folder}`);
    }
    const segment = this.#segment;
    try {
      await segment.append(bytes, count, (fault) => this.#tell(fault));
      return segment;
    } catch (thrown) {
      if (segment.isAbandoned) this.#retire(segment);
      throw JournalFault.of(thrown, `writing ${segment.path}`);
    }
  }

  async #inTime(work: Promise<OpenSegment>, slowMs: number): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new JournalFault("slow", `The disk took more than ${slowMs} ms for a write`));
    }, slowMs);
    try {
      await Promise.race([work, late.promise]);
    } catch (thrown) {
      if (thrown instanceof JournalFault && thrown.fault === "slow") this.#giveUp(work);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The caller keeps the events elsewhere: should they have come to the disk after all, they are no part of the journal. */
  #giveUp(work: Promise<OpenSegment>): void {
    const ended = work.then(
      (segment) => segment.takeBack(),
      () => {},
    );
    this.#stuck = ended;
    void ended.then(() => {
      this.#stuck = null;
    });
  }

  #retire(segment: OpenSegment): void {
    this.#incomplete.push(segment);
    if (this.#segment === segment) this.#segment = null;
  }

  /** What fails is tried again at the next call: the events are safe, only the name says less than it could. */
  async #completeAll(): Promise<void> {
    const segments = this.#incomplete;
    if (segments.length === 0) return;
    this.#incomplete = [];
    for (const segment of segments) {
      try {
        await segment.complete();
        this.#compress(segment.first);
      } catch (thrown) {
        const fault = JournalFault.of(thrown, `completing ${segment.path}`);
        this.#tell(fault);
        // One that was cut never can be. It stays open by name, and is found damaged when the log is opened next.
        if (fault.fault === "truncated") await segment.release();
        else this.#incomplete.push(segment);
      }
    }
  }

  #compress(first: number): void {
    const { compression = "none" } = this.#options;
    if (compression === "none") return;
    this.#background = this.#background
      .then(() => compressSegment(this.#place, first, compression))
      .catch((thrown: unknown) => this.#tell(JournalFault.of(thrown, `compressing the segment ${first}`)));
  }

  #tell(fault: JournalFault): void {
    this.#options.onFault?.(fault);
  }
}
