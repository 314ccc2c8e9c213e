/** What waits for the next commit, bounded by number and bytes, and who has waited long enough. */
import type { WaitingEvent } from "./waiting-event.ts";

export interface QueueBounds {
  /** Events without a receipt. Default 65,536. */
  readonly mostEvents: number;
  /** Bytes of their lines. Default 64 Mi. */
  readonly mostBytes: number;
}

export const queueBounds: QueueBounds = { mostEvents: 65_536, mostBytes: 64 * 2 ** 20 };

/** One commit: small enough that the next one need not wait long, large enough that its cost is no matter. */
const batchEvents = 8192;
const batchBytes = 4 * 2 ** 20;

export type Batch = readonly WaitingEvent[];

export class EventQueue {
  readonly #bounds: QueueBounds;
  #waiting: WaitingEvent[] = [];
  /** Taken, and not all of them settled. */
  readonly #taken = new Set<Batch>();
  #events = 0;
  #bytes = 0;
  #earliest = Number.POSITIVE_INFINITY;
  #emptied: PromiseWithResolvers<void> | null = null;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** Events without a receipt, those under way among them. */
  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get isFull(): boolean {
    return this.#events >= this.#bounds.mostEvents || this.#bytes >= this.#bounds.mostBytes;
  }

  add(event: WaitingEvent): void {
    this.#waiting.push(event);
    this.#events++;
    this.#bytes += bytesOf(event);
    if (event.deadline < this.#earliest) this.#earliest = event.deadline;
  }

  /** The next to be kept together, without those that nobody waits for any more. Whoever takes them MUST give them to `done` or `putBack`. */
  take(): Batch {
    let end = 0;
    for (let bytes = 0; end < this.#waiting.length && end < batchEvents; end++) {
      bytes += bytesOf(this.#waiting[end]!);
      if (bytes > batchBytes && end > 0) break;
    }
    const all = end === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, end);
    this.#waiting = end === this.#waiting.length ? [] : this.#waiting.slice(end);
    const batch: WaitingEvent[] = [];
    for (const event of all) {
      if (event.isSettled) this.#release(event);
      else batch.push(event);
    }
    for (const event of batch) event.take();
    this.#taken.add(batch);
    return batch;
  }

  /** To the front. */
  putBack(batch: Batch): void {
    this.#taken.delete(batch);
    for (const event of batch) event.isInHand = false;
    this.#waiting = [...batch, ...this.#waiting];
  }

  /** All of them have an answer. */
  done(batch: Batch): void {
    this.#taken.delete(batch);
    for (const event of batch) this.#release(event);
  }

  /** Resolves when there is none left, not even one under way that nobody waits for. */
  emptied(): Promise<void> {
    if (this.#events === 0) return Promise.resolve();
    this.#emptied ??= Promise.withResolvers<void>();
    return this.#emptied.promise;
  }

  /** @param why see `WaitingEvent.expire` @returns how many waited for longer than they would */
  expire(now: number, why: string): number {
    if (now < this.#earliest) return 0;
    let expired = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (const batch of [this.#waiting, ...this.#taken]) {
      for (const event of batch) {
        if (event.isSettled) continue;
        if (event.deadline <= now) {
          event.expire(why);
          expired++;
        } else if (event.deadline < earliest) earliest = event.deadline;
      }
    }
    this.#earliest = earliest;
    const left = this.#waiting.filter((event) => !event.isSettled);
    for (const event of this.#waiting) if (event.isSettled) this.#release(event);
    this.#waiting = left;
    return expired;
  }

  #release(event: WaitingEvent): void {
    this.#events--;
    this.#bytes -= bytesOf(event);
    if (this.#events > 0) return;
    this.#emptied?.resolve();
    this.#emptied = null;
  }
}

function bytesOf({ line }: WaitingEvent): number {
  return line.end - line.start;
}
