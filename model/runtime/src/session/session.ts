/**
 * A model that is loaded and can be run, in a thread of its own.
 *
 * Opening a session starts one thread; closing it frees the engine's memory and ends the thread. Runs are
 * answered in the order they were asked for, and several may be under way, so that a caller prepares the
 * next image while the engine works on this one. How many is bounded: what waits holds its feeds in memory.
 */
import { baseErrors, type CloseOptions, type CupelError, closeWhenForgotten } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import type { EngineTuning } from "./engine-options.ts";
import type { EngineRun } from "./engine-protocol.ts";
import { closeIfCancelled, type OpenEngine, openEngine, runOf } from "./engine-thread.ts";
import {
  checkFeeds,
  checkFetches,
  checkTargets,
  type Feeds,
  packFeeds,
  type Targets,
  zeroFeeds,
} from "./feeds.ts";
import type { ModelSource } from "./model-source.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

export interface SessionOptions extends EngineTuning {
  /** Sizes for symbolic dimensions of the inputs, by their names; lets the engine plan memory ahead. */
  readonly freeDimensions?: Readonly<Record<string, number>> | undefined;
  /**
   * Intermediate values, by name, to have as additional outputs. A tapped value must exist, so the engine
   * cannot fuse across it: a tapped session is slower and, in a quantised model, may round differently.
   */
  readonly taps?: readonly string[] | undefined;
  /**
   * Runs that may be pending at once, the one in the engine included. One more is refused with QUEUE_FULL
   * before its feeds are copied. Default 128.
   */
  readonly maxQueued?: number | undefined;
  /** Prefix of a path: the engine writes its trace there when the session is closed. See `profile`. */
  readonly profile?: string | undefined;
  /** Where the engine writes the graph it will actually run. See `optimisedGraph`. */
  readonly optimisedModelPath?: string | undefined;
  /** Cancels the opening only, at any moment until it resolves: nothing stays open then. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions {
  /** The outputs wanted. Default: all but state. The engine computes the others all the same; only copying them is saved. */
  readonly fetches?: readonly string[] | undefined;
  /** Moves the feeds' buffers into the session instead of copying them; they are empty afterwards. */
  readonly transfer?: boolean | undefined;
  /**
   * Arrays over SharedArrayBuffers that take these outputs, which are fetched but then not in the result. A run
   * whose output turns out to have another length fails.
   */
  readonly into?: Targets | undefined;
  /**
   * Rejects the run at once: with CANCELLED, or DEADLINE_EXCEEDED where it is one of `AbortSignal.timeout`. A
   * run that has not begun never begins; one in the engine ends, renews the state, and its result is dropped.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface InferenceSession extends AsyncDisposable {
  /** What a run is fed: all inputs but state. */
  readonly inputs: readonly ValueInfo[];
  /** What a run gives: all outputs but state, with taps last, in the order given. */
  readonly outputs: readonly ValueInfo[];
  /**
   * What was asked for and is not answered: runs and, of a stateful session, reads and writes of the state. One
   * that was cancelled counts until the thread has dropped it, since its feeds are held until then.
   */
  readonly pending: number;
  /** Resolves as soon as the thread has ended: with THREAD_CRASHED, or null after `close`. Never rejects. */
  readonly ended: Promise<CupelError | null>;
  /**
   * @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, OUTPUT_UNKNOWN,
   * QUEUE_FULL, RUN_FAILED, CANCELLED, DEADLINE_EXCEEDED, SESSION_CLOSED, THREAD_CRASHED
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, TensorData>>;
  /** The same, with the time the engine itself took. */
  timedRun(feeds: Feeds, options?: RunOptions): Promise<EngineRun>;
  /**
   * One run whose outputs are dropped and that leaves the state as it is. The first run of a session is
   * slower than the others, for it allocates; warm up before the first caller waits.
   * @param feeds of the shapes to come. Default: zeros; open sizes are those of `feedDims`.
   * @throws those of `run`
   */
  warmUp(feeds?: Feeds, options?: Pick<RunOptions, "signal">): Promise<void>;
  /**
   * Frees all native memory and ends the thread; the run in the engine ends first. Runs not yet answered fail
   * with SESSION_CLOSED, or are answered first with `drain`. No further run is taken either way.
   */
  close(options?: CloseOptions): Promise<void>;
}

const defaultMaxQueued = 128;

/**
 * Loads a model into a thread of its own.
 * @throws ENGINE_MISSING, MODEL_NOT_FOUND, MODEL_LOAD_FAILED, MODEL_UNSUPPORTED_BY_ENGINE, PROVIDER_UNAVAILABLE,
 * TAP_UNKNOWN, DIMENSION_UNKNOWN, OPTION_INVALID, CANCELLED, DEADLINE_EXCEEDED, THREAD_CRASHED
 */
export async function openSession(
  source: ModelSource,
  options: SessionOptions = {},
): Promise<InferenceSession> {
  const maxQueued = checkMaxQueued(options);
  const engine = await openEngine(source, options, { state: [] });
  closeIfCancelled(engine, options);
  return createSession(engine, maxQueued);
}

/** @throws OPTION_INVALID */
export function checkMaxQueued({ maxQueued = defaultMaxQueued }: SessionOptions): number {
  if (Number.isSafeInteger(maxQueued) && maxQueued > 0) return maxQueued;
  throw baseErrors.error(
    "OPTION_INVALID",
    `maxQueued must be a whole number of at least 1, not ${maxQueued}.`,
    {
      details: { maxQueued },
    },
  );
}

/** @param maxQueued see `SessionOptions` */
export function createSession({ thread, inputs, outputs }: OpenEngine, maxQueued: number): InferenceSession {
  // Every function below shares the scope that holds it: whoever keeps one of them keeps the session open. What closes
  // it is therefore none of this scope.
  const owner = {};
  const remembered = closeWhenForgotten(owner, "session", thread.close.bind(thread));

  function checkRoom(): void {
    if (thread.finished) throw thread.finished;
    if (thread.pending < maxQueued) return;
    throw runtimeErrors.error(
      "QUEUE_FULL",
      `The session has ${maxQueued} runs to answer, as many as maxQueued allows. Ask again when some are answered.`,
      { details: { maxQueued } },
    );
  }

  async function ask(feeds: Feeds, options: RunOptions, renewsState: boolean): Promise<EngineRun> {
    checkRoom();
    const { fetches, into = {}, transfer, signal } = options;
    checkFeeds(inputs, feeds);
    const wanted = fetches ? [...new Set([...fetches, ...Object.keys(into)])] : null;
    checkFetches(outputs, wanted ?? Object.keys(into));
    checkTargets(outputs, into);
    const packed = packFeeds(feeds, transfer ? "transfer" : "copy");
    const answer = await thread.perform(
      { kind: "run", feeds: packed.feeds, fetches: wanted, into, renewsState },
      { transfer: packed.moved, signal, what: "The run" },
    );
    return runOf(answer);
  }

  const timedRun = (feeds: Feeds, options: RunOptions = {}) => ask(feeds, options, true);
  const close = async (options?: CloseOptions) => {
    void owner;
    remembered();
    await thread.close(options);
  };
  return {
    inputs,
    outputs,
    get pending() {
      return thread.pending;
    },
    ended: thread.ended,
    timedRun,
    run: async (feeds, options) => (await timedRun(feeds, options)).outputs,
    async warmUp(feeds = zeroFeeds(inputs), options = {}) {
      await ask(feeds, { signal: options.signal }, false);
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
