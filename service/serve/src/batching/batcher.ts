/**
 * The queue in front of one version of a model. It joins requests into batches, is fair between callers, and answers a
 * request whose caller has left or whose deadline has passed at once, wherever it is.
 */
import { type Clock, type CupelError, cancellation, systemClock, throwIfCancelled } from "@cupel/base";
import { checkFeeds, checkFetches, type EngineRun, type Feeds } from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import { type Instruments, silentInstruments } from "../operations/instruments.ts";
import type { BatchedRunOptions } from "../repository/model-version.ts";
import { type BatchLimits, type CheckedLimits, checkLimits } from "./batch-options.ts";
import { type BatchedSession, Dispatcher, tooManyRows } from "./dispatcher.ts";
import { RequestQueue } from "./request-queue.ts";
import { rowKey, rowsOf } from "./rows.ts";
import { WaitingRequest } from "./waiting-request.ts";

export interface BatcherOptions extends BatchLimits {
  /** For messages and labels. */
  readonly model: string;
  readonly version: string;
  /** Default: none. */
  readonly instruments?: Instruments | undefined;
  /** Its `monotonic` is what times are taken by. Default the system's. */
  readonly clock?: Clock | undefined;
}

export interface Batcher extends AsyncDisposable {
  /**
   * What `ModelVersion.run` promises; `call.times` is given queue, batch and run.
   * @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, OUTPUT_UNKNOWN, BATCH_TOO_LARGE,
   * QUEUE_LIMIT, CANCELLED, DEADLINE_EXCEEDED, MODEL_NOT_READY, RUN_FAILED, THREAD_CRASHED
   */
  run(feeds: Feeds, options: BatchedRunOptions): Promise<EngineRun>;
  /** @returns QUEUE_LIMIT where no more requests may wait */
  noRoom(): CupelError | null;
  /** Requests that wait, those handed to the session not among them. */
  readonly queued: number;
  /** Takes nothing new, and resolves when all that was taken is answered. The session stays open. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws OPTION_INVALID */
export function createBatcher(session: BatchedSession, options: BatcherOptions): Batcher {
  const { model, version, instruments = silentInstruments, clock = systemClock } = options;
  const limits = checkLimits(options);
  const labels = { model, version };
  const queue = new RequestQueue(limits, (size) => instruments.set("queued", labels, size));
  const drained = Promise.withResolvers<void>();
  let isClosed = false;
  const notReady = (cause?: CupelError) =>
    serveErrors.error("MODEL_NOT_READY", `Version ${version} of "${model}" was unloaded. Ask again.`, {
      cause,
    });
  const checkDrained = () => {
    if (isClosed && queue.size === 0 && dispatcher.isIdle) drained.resolve();
  };
  const dispatcher = new Dispatcher({
    session,
    queue,
    limits,
    clock,
    dispatched: (rows) => instruments.observe("batchRows", labels, rows),
    landed: checkDrained,
    ended: notReady,
  });
  const retryAfterMs = () => dispatcher.rate.retryAfterMs(queue.rows / limits.instances);

  return {
    get queued() {
      return queue.size;
    },
    noRoom: () => queue.noRoom(retryAfterMs),
    async run(feeds, options) {
      const { signal } = options.call;
      throwIfCancelled(signal, theRun);
      if (isClosed) throw notReady();
      const request = requestOf(feeds, options, { session, dispatcher, limits, arrived: clock.monotonic() });
      queue.add(request, retryAfterMs);
      const leave = () => {
        queue.remove(request);
        request.fail(cancellation(theRun, signal), clock.monotonic());
        dispatcher.forget();
        checkDrained();
      };
      signal.addEventListener("abort", leave, { once: true });
      dispatcher.notice();
      try {
        return await request.answer;
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
    [Symbol.asyncDispose]() {
      isClosed = true;
      dispatcher.drain();
      checkDrained();
      return drained.promise;
    },
  };
}

const theRun = "The run";

interface Surroundings {
  readonly session: BatchedSession;
  readonly dispatcher: Dispatcher;
  readonly limits: CheckedLimits;
  readonly arrived: number;
}

/** Refuses what the session would refuse, before it waits and before it can spoil a batch. */
function requestOf(
  feeds: Feeds,
  options: BatchedRunOptions,
  { session, dispatcher, limits, arrived }: Surroundings,
): WaitingRequest {
  const { inputs, outputs } = session;
  const { fetches } = options;
  checkFeeds(inputs, feeds);
  if (fetches !== undefined) checkFetches(outputs, fetches);
  const { hasRows, joins, maxRows } = dispatcher;
  const rows = hasRows ? rowsOf(feeds) : null;
  if (joins && rows !== null && rows > 0) {
    const key = rowKey(inputs, feeds, fetches);
    return new WaitingRequest({ feeds, options, rows, key, weight: rows, arrived });
  }
  if (!hasRows) {
    return new WaitingRequest({ feeds, options, rows: 1, key: null, weight: 1, arrived });
  }
  const most = Math.max(...Object.values(feeds).map(({ dims }) => dims[0]!));
  if (most > limits.maxRows) throw tooManyRows(most, limits.maxRows);
  return new WaitingRequest({ feeds, options, rows: rows ?? 1, key: null, weight: maxRows, arrived });
}
