/** Rings into a stream of lines: each ring's entries in their order, and what was lost in its place. */
import { type Clock, reasonOf, systemClock } from "@cupel/base";
import type { RingHandle } from "./ring-layout.ts";
import { RingReader } from "./ring-reader.ts";
import { lineAbout, lineOfEntry } from "./runtime-line.ts";
import type { Written } from "./stream-files.ts";

export interface RuntimeCounts {
  /** Entries that were read from the rings. */
  readonly consumed: number;
  /** That were overwritten before. */
  readonly overwritten: number;
  /** Lines that could not be written, such as on a full disk. */
  readonly unwritten: number;
  /** Why, as long as it lasts; null where all is well. */
  readonly fault: string | null;
}

interface NamedReader {
  readonly thread: string;
  readonly reader: RingReader;
}

export interface LineSink {
  /** @param lines each with its newline */
  write(lines: readonly string[]): Written;
}

export class RingCollector {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  #readers: readonly NamedReader[] = [];
  #consumed = 0;
  #overwritten = 0;
  #unwritten = 0;
  /** That no line has told of yet. */
  #untold = 0;
  #fault: string | null = null;

  constructor(sink: LineSink, clock: Clock = systemClock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  get counts(): RuntimeCounts {
    return {
      consumed: this.#consumed,
      overwritten: this.#overwritten,
      unwritten: this.#unwritten,
      fault: this.#fault,
    };
  }

  add(ring: RingHandle): void {
    this.#readers = [...this.#readers, { thread: ring.thread, reader: new RingReader(ring) }];
  }

  /** All that is there goes into the stream. */
  drain(): void {
    const lines: string[] = [];
    const closed = this.#readers.filter(({ reader }) => reader.isClosed);
    for (const { thread, reader } of this.#readers) {
      reader.drain({
        entry: (entry) => {
          this.#consumed++;
          lines.push(lineOfEntry(entry, thread));
        },
        overwritten: (count) => {
          this.#overwritten += count;
          lines.push(
            lineAbout("overwritten", this.#clock.now(), { thread, count, total: reader.overwritten }),
          );
        },
      });
    }
    // Only now: a writer may have written last and closed its ring since.
    if (closed.length > 0) this.#readers = this.#readers.filter((each) => !closed.includes(each));
    if (lines.length > 0) this.#write(lines);
  }

  end(): void {
    this.drain();
    const { consumed, overwritten, unwritten } = this.counts;
    this.#write([lineAbout("end", this.#clock.now(), { consumed, overwritten, unwritten })]);
  }

  #write(lines: readonly string[]): void {
    const told =
      this.#untold === 0
        ? lines
        : [
            lineAbout("unwritten", this.#clock.now(), {
              count: this.#untold,
              total: this.#unwritten,
              reason: this.#fault,
            }),
            ...lines,
          ];
    const { lines: written, failure } = this.#sink.write(told);
    // The line that tells of others is not counted.
    const extra = told.length - lines.length;
    if (written >= extra) this.#untold = 0;
    const lost = lines.length - Math.max(0, written - extra);
    this.#untold += lost;
    this.#unwritten += lost;
    this.#fault = failure === null ? null : reasonOf(failure);
  }
}
