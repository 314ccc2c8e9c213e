/**
 * Decides when what is handed to the session, and does it.
 *
 * The session has at most two runs an instance: the one in the engine and the next, so that the engine need not wait for
 * this thread. All else stays in the queue, where deadlines and turns reach it. A next batch that could still grow is handed
 * over as late as can be, shortly before the one ahead should end.
 */
import { type Clock, type CupelError, errorFrom } from "@cupel/base";
import type { EngineRun, Feeds, RunOptions, ValueInfo } from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import { type Batch, type FailedBatch, feedsOf, hasRowsOf, isWhole, outputsOf, type Slice } from "./batch.ts";
import type { CheckedLimits } from "./batch-options.ts";
import type { RequestQueue } from "./request-queue.ts";
import { hasRows } from "./rows.ts";
import { ServiceRate } from "./service-rate.ts";
import type { WaitingRequest } from "./waiting-request.ts";

/** An `InferenceSession`, or what does the same. It MUST have copied or moved the feeds when `timedRun` returns. */
export interface BatchedSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  timedRun(feeds: Feeds, options?: RunOptions): Promise<EngineRun>;
}

export interface DispatcherParts {
  readonly session: BatchedSession;
  readonly queue: RequestQueue;
  readonly limits: CheckedLimits;
  readonly clock: Clock;
  /** Hears of the rows of each run. */
  readonly dispatched: (rows: number) => void;
  /** Hears that a run has ended and was answered. */
  readonly landed: () => void;
  /** The error of a run whose session was closed under it. */
  readonly ended: (cause: CupelError) => CupelError;
}

/** Of what was handed to the session. */
interface Flight {
  readonly batch: Batch;
  /** Ends it before it has begun, once nobody waits for it. Null for one that began at once. */
  readonly controller: AbortController | null;
  /** When it should be done, by the clock. */
  expected: number;
  /** Resolves when the session is done with it and it was concluded. */
  readonly landed: PromiseWithResolvers<void>;
}

interface SecondTry {
  readonly slice: Slice;
  readonly of?: FailedBatch | undefined;
}

type Outcome =
  | { readonly kind: "done"; readonly run: EngineRun; readonly joinMs: number }
  | { readonly kind: "failed"; readonly error: CupelError };

/** Of each instance: the run in the engine, and the next. */
const flightsOfInstance = 2;
/** Handing over takes less than 1 ms, and timers are as exact as 1 ms. */
const handOverMs = 2;
/** So many batches in a row that fail, though each request succeeds by itself, show that the model takes no batches. */
const mostInVain = 3;

export class Dispatcher {
  readonly rate = new ServiceRate();
  readonly #parts: DispatcherParts;
  /** The first of them, as many as there are instances, are in the engine. */
  readonly #flights: Flight[] = [];
  /** Of batches that failed: run one by one, before what waits. */
  readonly #again: SecondTry[] = [];
  /** Whether the model says that it has rows. */
  readonly hasRows: boolean;
  #joins: boolean;
  #inVain = 0;
  #isDraining = false;
  #soon: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.hasRows = hasRows(parts.session.inputs, parts.session.outputs);
    this.#joins = this.hasRows;
  }

  /** Whether requests are joined: the model has rows, and its runs have not shown otherwise. */
  get joins(): boolean {
    return this.#joins;
  }

  /** Of a batch. */
  get maxRows(): number {
    return this.#joins ? this.#parts.limits.maxRows : 1;
  }

  get #hasPlace(): boolean {
    return this.#flights.length < flightsOfInstance * this.#parts.limits.instances;
  }

  /** What the next to be handed over will wait for. */
  get #ahead(): Flight | undefined {
    return this.#flights.at(-this.#parts.limits.instances);
  }

  get isIdle(): boolean {
    return this.#flights.length === 0 && this.#again.length === 0;
  }

  /** To be called when a request was queued. What comes in one turn of the event loop is looked at together. */
  notice(): void {
    if (!this.#hasPlace) return;
    if (this.#parts.queue.rows >= this.maxRows) this.advance();
    else this.#soon ??= setImmediate(this.#later);
  }

  readonly #later = (): void => {
    this.#soon = null;
    this.advance();
  };

  /** Hands over what can be handed over now. */
  advance(): void {
    while (this.#hasPlace) {
      const batch = this.#nextAgain() ?? this.#nextBatch();
      if (batch === null) return;
      void this.#fly(batch);
    }
  }

  /** From now on nothing waits for company. */
  drain(): void {
    this.#isDraining = true;
    this.#stopTimer();
    this.advance();
  }

  /** To be called when a request is settled early: a run that has not begun and that nobody waits for is called off. */
  forget(): void {
    for (const { batch, controller } of this.#flights.slice(this.#parts.limits.instances)) {
      if (batch.slices.every(({ request }) => request.isSettled)) controller?.abort();
    }
  }

  #nextAgain(): Batch | null {
    for (let next = this.#again.shift(); next; next = this.#again.shift()) {
      const { slice, of: secondOf } = next;
      const { request, count } = slice;
      if (!request.isSettled) return { slices: [slice], rows: count, weight: Math.max(1, count), secondOf };
    }
    return null;
  }

  #nextBatch(): Batch | null {
    const { queue } = this.#parts;
    if (queue.first === undefined) return null;
    const waitMs = this.#waitMs(queue.first);
    if (waitMs <= 0) return queue.takeBatch(this.maxRows);
    this.#advanceIn(waitMs);
    return null;
  }

  /** How long the next batch may still grow. */
  #waitMs({ arrived }: WaitingRequest): number {
    const { queue, limits, clock } = this.#parts;
    if (this.#isDraining || queue.rows >= this.maxRows) return 0;
    const due = arrived + limits.maxDelayMs;
    const ahead = this.#ahead;
    return (ahead ? Math.max(due, ahead.expected - handOverMs) : due) - clock.monotonic();
  }

  #advanceIn(ms: number): void {
    const due = this.#parts.clock.monotonic() + ms;
    if (this.#timerDue <= due) return;
    this.#stopTimer();
    this.#timerDue = due;
    this.#timer = setTimeout(() => {
      this.#stopTimer();
      this.advance();
    }, ms);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerDue = Number.POSITIVE_INFINITY;
  }

  /** One run, from its hand-over to its answers. */
  async #fly(batch: Batch): Promise<void> {
    const { clock, limits, dispatched, landed } = this.#parts;
    const ahead = this.#ahead;
    const flight: Flight = {
      batch,
      controller: ahead ? new AbortController() : null,
      expected: clock.monotonic() + this.rate.expectedMs(batch.weight),
      landed: Promise.withResolvers(),
    };
    this.#flights.push(flight);
    dispatched(batch.rows);
    const outcome = await this.#perform(batch, flight.controller?.signal);
    // The session holds what was called off until its thread is free to drop it: the place is taken until then.
    if (flight.controller?.signal.aborted) await ahead?.landed.promise;
    this.#flights.splice(this.#flights.indexOf(flight), 1);
    const next = this.#flights[limits.instances - 1];
    if (next) next.expected = clock.monotonic() + this.rate.expectedMs(next.batch.weight);
    this.#conclude(batch, outcome);
    flight.landed.resolve();
    landed();
  }

  async #perform(batch: Batch, signal: AbortSignal | undefined): Promise<Outcome> {
    const { session, clock } = this.#parts;
    try {
      const started = clock.monotonic();
      const { feeds, isOwn } = feedsOf(batch);
      const joinMs = isOwn ? clock.monotonic() - started : 0;
      const { fetches } = batch.slices[0]!.request.options;
      const run = await session.timedRun(feeds, { fetches, transfer: isOwn, signal });
      return { kind: "done", run, joinMs };
    } catch (thrown) {
      return { kind: "failed", error: errorFrom(thrown) };
    }
  }

  /** The engine gets its next run before this one is taken apart. */
  #conclude(batch: Batch, outcome: Outcome): void {
    if (outcome.kind === "failed") {
      this.#failOrTryAgain(batch, outcome.error);
      this.advance();
      return;
    }
    const { run, joinMs } = outcome;
    this.rate.observe(batch.weight, run.engineMs);
    if (!hasRowsOf(batch, run)) {
      this.#separate(batch.slices);
      this.advance();
      return;
    }
    this.#learn(batch);
    this.advance();
    const now = this.#parts.clock.monotonic();
    outputsOf(batch, run).forEach((outputs, i) => {
      const { request, from, count } = batch.slices[i]!;
      request.take({ from, count, outputs, engineMs: run.engineMs, joinMs }, now);
    });
  }

  /** One bad request fails the run of all: each is run once more, by itself, unless no run can succeed any more. */
  #failOrTryAgain({ slices }: Batch, error: CupelError): void {
    const isOver = error.code === "THREAD_CRASHED" || error.code === "SESSION_CLOSED";
    if (slices.length > 1 && !isOver) {
      const of = { left: slices.length };
      for (const slice of slices) this.#again.push({ slice, of });
      return;
    }
    const reason = error.code === "SESSION_CLOSED" ? this.#parts.ended(error) : error;
    for (const { request } of slices) this.#fail(request, reason);
  }

  /** A model may say that its first dimension is open, and fix it inside. */
  #learn({ slices, secondOf }: Batch): void {
    if (slices.length > 1) this.#inVain = 0;
    if (secondOf === undefined || !this.#joins) return;
    secondOf.left--;
    if (secondOf.left === 0 && ++this.#inVain >= mostInVain) this.#separate([]);
  }

  /** Nothing is joined or divided any more. @param slices of which the run was of no use: outputs have not their rows */
  #separate(slices: readonly Slice[]): void {
    this.#joins = false;
    const { queue, limits } = this.#parts;
    for (const slice of slices.filter(isWhole)) this.#again.push({ slice });
    const divided = slices.filter((slice) => !isWhole(slice)).map(({ request }) => request);
    for (const request of new Set([...divided, ...queue.separate(limits.maxRows)])) {
      this.#fail(request, tooManyRows(request.rows, limits.maxRows));
    }
  }

  #fail(request: WaitingRequest, reason: CupelError): void {
    this.#parts.queue.remove(request);
    request.fail(reason, this.#parts.clock.monotonic());
  }
}

/** Of a request that cannot be divided. */
export function tooManyRows(rows: number, maxRows: number): CupelError {
  return serveErrors.error(
    "BATCH_TOO_LARGE",
    `The request has ${rows} rows, which cannot be computed in several runs; a run of the model takes ${maxRows} (batching.maxRows). Send fewer.`,
    { details: { limit: "batching.maxRows", value: maxRows, rows } },
  );
}
