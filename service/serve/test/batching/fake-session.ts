/** A session whose runs the test ends. It does one after the other, as the engine does; y is twice x. */
import { cancellation } from "@cupel/base";
import { type EngineRun, type Feeds, type RunOptions, runtimeErrors, type ValueInfo } from "@cupel/runtime";
import type { BatchedSession } from "../../src/batching/dispatcher.ts";
import { anonymous, type Call } from "../../src/core/call.ts";

/** Rows that hold it fail their run. */
export const poison = -1;

export interface FakeRun {
  readonly rows: number;
  readonly values: readonly number[];
  readonly fetches: readonly string[] | undefined;
  readonly transfer: boolean;
  /** Called off before it began. */
  isDropped: boolean;
}

interface Waiting {
  readonly run: FakeRun;
  readonly answer: PromiseWithResolvers<EngineRun>;
  readonly settle: () => void;
}

export interface FakeOptions {
  readonly inputs?: readonly ValueInfo[];
  readonly outputs?: readonly ValueInfo[];
  readonly engineMs?: number;
  /** A run of more rows fails. Default: none. */
  readonly mostRows?: number;
  /** First dimension of y. Default: that of x. */
  readonly outputRows?: (rows: number) => number;
}

export class FakeSession implements BatchedSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Every run asked for, in order. */
  readonly runs: FakeRun[] = [];
  mostPending = 0;
  readonly #options: FakeOptions;
  readonly #waiting: Waiting[] = [];

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.inputs = options.inputs ?? [{ name: "x", type: "float32", dims: ["n", 2] }];
    this.outputs = options.outputs ?? [{ name: "y", type: "float32", dims: ["n", 2] }];
  }

  get pending(): number {
    return this.#waiting.length;
  }

  timedRun(feeds: Feeds, { fetches, transfer = false, signal }: RunOptions = {}): Promise<EngineRun> {
    const { dims, data } = feeds.x!;
    const values = [...Float64Array.from(data as Float32Array)];
    const [rows, ...rest] = dims;
    const run: FakeRun = { rows: rows!, values, fetches, transfer, isDropped: false };
    this.runs.push(run);
    const answer = Promise.withResolvers<EngineRun>();
    const settle = () => {
      if (values.includes(poison) || rows! > (this.#options.mostRows ?? Number.POSITIVE_INFINITY))
        answer.reject(runtimeErrors.error("RUN_FAILED", "A value is bad."));
      const given = this.#options.outputRows?.(rows!) ?? rows!;
      const doubled = Float32Array.from(
        { length: (values.length / rows!) * given },
        (_, i) => values[i]! * 2,
      );
      const y = { type: "float32", dims: [given, ...rest], data: doubled } as const;
      answer.resolve({ outputs: { y }, engineMs: this.#options.engineMs ?? 0 });
    };
    const waiting: Waiting = { run, answer, settle };
    this.#waiting.push(waiting);
    this.mostPending = Math.max(this.mostPending, this.#waiting.length);
    signal?.addEventListener("abort", () => {
      const at = this.#waiting.indexOf(waiting);
      // What has begun goes on; its answer is nobody's.
      if (at > 0) {
        run.isDropped = true;
        this.#waiting.splice(at, 1);
      }
      answer.reject(cancellation("The run", signal));
    });
    return answer.promise;
  }

  /** Ends the run in the engine. False where there is none. */
  finish(): boolean {
    const first = this.#waiting.shift();
    first?.settle();
    return first !== undefined;
  }

  /** The thread is gone, with all it was asked. */
  crash(reason: Error): void {
    for (const { answer } of this.#waiting.splice(0)) answer.reject(reason);
  }
}

/** The event loop has gone round, and all that followed from it has happened. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}

export function callOf(id = anonymous.id, signal: AbortSignal = new AbortController().signal): Call {
  return { face: "rest", principal: { id, roles: [] }, signal, address: "", times: {} };
}

/** Rows of two values each. */
export function rowsOfTwo(...values: readonly number[]): Feeds {
  return { x: { type: "float32", dims: [values.length / 2, 2], data: Float32Array.from(values) } };
}

export async function outcomeOf(run: Promise<EngineRun>): Promise<number[] | string> {
  try {
    return [...((await run).outputs.y!.data as Float32Array)];
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

export const stillClock = { now: () => 0, monotonic: () => 0 };
