/** One request from the moment it is taken until it is answered: what is left of it to compute, and what was. */

import type { CupelError } from "@cupel/base";
import { own } from "@cupel/base";
import { type EngineRun, type Feeds, joinTensors, type TensorData } from "@cupel/runtime";
import type { BatchedRunOptions } from "../repository/model-version.ts";
import type { QueuedItem } from "./fair-queue.ts";

export interface RequestFacts {
  readonly feeds: Feeds;
  readonly options: BatchedRunOptions;
  /** Rows it has; 1 where they are not known. */
  readonly rows: number;
  /** See `rowKey`; null where it is computed alone and whole. */
  readonly key: string | null;
  /** What it takes of a batch, in rows. */
  readonly weight: number;
  /** By the clock of the batcher, in ms. */
  readonly arrived: number;
}

/** Rows of a request that were computed together. */
export interface ComputedRows {
  readonly from: number;
  readonly count: number;
  readonly outputs: Record<string, TensorData>;
  readonly engineMs: number;
  /** What joining them with others took. */
  readonly joinMs: number;
}

export class WaitingRequest implements QueuedItem {
  readonly feeds: Feeds;
  readonly options: BatchedRunOptions;
  readonly caller: string;
  readonly rows: number;
  readonly arrived: number;
  readonly bytes: number;
  key: string | null;
  /** Of its weight, what no batch has taken yet. */
  left: number;
  readonly #answer = Promise.withResolvers<EngineRun>();
  readonly #computed: ComputedRows[] = [];
  #isSettled = false;

  constructor({ feeds, options, rows, key, weight, arrived }: RequestFacts) {
    const { principal, address } = options.call;
    this.feeds = feeds;
    this.options = options;
    this.caller = `${principal.id}\u0000${address}`;
    this.rows = rows;
    this.arrived = arrived;
    this.bytes = bytesOf(feeds);
    this.key = key;
    this.left = weight;
  }

  get answer(): Promise<EngineRun> {
    return this.#answer.promise;
  }

  /** Answered, failed, or left by its caller: whatever is still computed for it is dropped. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Takes rows that were computed, and answers once there are all. @param now in ms */
  take(computed: ComputedRows, now: number): void {
    if (this.#isSettled) return;
    this.#computed.push(computed);
    const rows = this.#computed.reduce((sum, { count }) => sum + count, 0);
    if (rows < this.rows) return;
    this.#settle(now);
    try {
      this.#answer.resolve({ outputs: joined(this.#computed), engineMs: sum(this.#computed, "engineMs") });
    } catch (thrown) {
      this.#answer.reject(thrown);
    }
  }

  fail(reason: CupelError, now: number): void {
    if (this.#isSettled) return;
    this.#settle(now);
    this.#answer.reject(reason);
  }

  /** What is neither joining nor the engine is waiting: for others, for its turn, and between the threads. */
  #settle(now: number): void {
    this.#isSettled = true;
    const run = sum(this.#computed, "engineMs");
    const batch = sum(this.#computed, "joinMs");
    const { times } = this.options.call;
    times.queue = (times.queue ?? 0) + Math.max(0, now - this.arrived - run - batch);
    if (batch > 0) times.batch = (times.batch ?? 0) + batch;
    if (this.#computed.length > 0) times.run = (times.run ?? 0) + run;
  }
}

function bytesOf(feeds: Feeds): number {
  let bytes = 0;
  for (const { data } of Object.values(feeds)) bytes += data.byteLength;
  return bytes;
}

function sum(computed: readonly ComputedRows[], what: "engineMs" | "joinMs"): number {
  let total = 0;
  for (const each of computed) total += each[what];
  return total;
}

function joined(computed: readonly ComputedRows[]): Record<string, TensorData> {
  const [first, ...others] = [...computed].sort((a, b) => a.from - b.from);
  if (others.length === 0) return first!.outputs;
  return Object.fromEntries(
    Object.entries(first!.outputs).map(([name, output]) => [
      name,
      joinTensors([output, ...others.map(({ outputs }) => own(outputs, name)!)]),
    ]),
  );
}
