/** What waits for a run: bounded, counted, fair between callers, and taken out a batch at a time. */
import type { CupelError } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import type { Batch, Slice } from "./batch.ts";
import type { CheckedLimits } from "./batch-options.ts";
import { FairQueue } from "./fair-queue.ts";
import type { WaitingRequest } from "./waiting-request.ts";

export class RequestQueue {
  readonly #limits: CheckedLimits;
  readonly #changed: (size: number) => void;
  readonly #requests = new FairQueue<WaitingRequest>();
  #rows = 0;
  #bytes = 0;

  /** @param changed hears how many requests wait now. */
  constructor(limits: CheckedLimits, changed: (size: number) => void) {
    this.#limits = limits;
    this.#changed = changed;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Rows that wait; of a request that is not joined with others, what it takes of a batch. */
  get rows(): number {
    return this.#rows;
  }

  /** Whose turn it is. */
  get first(): WaitingRequest | undefined {
    return this.#requests.first;
  }

  /** @param retryAfterMs when there is likely room again @returns QUEUE_LIMIT where no more requests may wait */
  noRoom(retryAfterMs: () => number): CupelError | null {
    const { maxQueued } = this.#limits;
    return this.size < maxQueued ? null : limitReached("batching.maxQueued", maxQueued, retryAfterMs());
  }

  /**
   * @param retryAfterMs when there is likely room again
   * @throws QUEUE_LIMIT, with the limit's name and value
   */
  add(request: WaitingRequest, retryAfterMs: () => number): void {
    const refusal = this.noRoom(retryAfterMs);
    if (refusal !== null) throw refusal;
    const { maxQueuedBytes } = this.#limits;
    if (this.size > 0 && this.#bytes + request.bytes > maxQueuedBytes) {
      throw limitReached("batching.maxQueuedBytes", maxQueuedBytes, retryAfterMs());
    }
    this.#requests.add(request);
    this.#count(request, 1);
    this.#changed(this.size);
  }

  /** Whether it still waited. */
  remove(request: WaitingRequest): boolean {
    if (!this.#requests.remove(request)) return false;
    this.#count(request, -1);
    this.#changed(this.size);
    return true;
  }

  /**
   * Takes the next batch out: the first request of whoever's turn it is, and what can be computed with it of those that
   * follow. Only a request of more than `maxRows` rows is divided; it fills up what others leave.
   */
  takeBatch(maxRows: number): Batch {
    const slices: Slice[] = [];
    let weight = 0;
    this.#requests.round((request) => {
      const room = maxRows - weight;
      if (room <= 0) return null;
      const { key, left, rows } = request;
      if (slices.length > 0 && (key === null || key !== slices[0]!.request.key)) return "waits";
      if (left > room && rows <= maxRows) return "waits";
      const count = Math.min(left, room);
      weight += count;
      this.#rows -= count;
      request.left -= count;
      slices.push(key === null ? { request, from: 0, count: rows } : { request, from: rows - left, count });
      if (request.left > 0) return "stays";
      this.#bytes -= request.bytes;
      return "leaves";
    });
    this.#changed(this.size);
    return { slices, rows: slices.reduce((sum, { count }) => sum + count, 0), weight };
  }

  /** Has every request computed alone and whole from now on. @returns those of which rows were taken already, or that are too large. */
  separate(maxRows: number): WaitingRequest[] {
    const impossible: WaitingRequest[] = [];
    this.#rows = 0;
    for (const request of this.#requests) {
      if (request.left < request.rows || request.rows > maxRows) impossible.push(request);
      request.key = null;
      request.left = 1;
      this.#rows += 1;
    }
    return impossible;
  }

  #count({ left, bytes }: WaitingRequest, sign: 1 | -1): void {
    this.#rows += sign * left;
    this.#bytes += sign * bytes;
  }
}

function limitReached(
  limit: "batching.maxQueued" | "batching.maxQueuedBytes",
  value: number,
  retryAfterMs: number,
): CupelError {
  const what = limit === "batching.maxQueued" ? `${value} requests` : `${value} bytes of inputs`;
  return serveErrors.error(
    "QUEUE_LIMIT",
    `No more than ${what} may wait for the model (${limit}). Ask again in ${retryAfterMs} ms.`,
    { details: { limit, value, retryAfterMs }, withoutStack: true },
  );
}
