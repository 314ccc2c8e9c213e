/**
 * The public session: a model that is loaded and can be run, in a thread of its own.
 *
 * Opening a session starts one thread; closing it frees the engine's memory and ends the thread. Runs are
 * answered in the order they were asked for, and several may be under way, so that a caller prepares the
 * next picture while the engine works on this one.
 */
import { throwIfCancelled } from "@cupel/base";
import { type EngineOptions, type EngineTuning, engineOptions } from "./engine-options.ts";
import { checkFeeds, checkFetches, type Feeds, packFeeds } from "./feeds.ts";
import { editSource } from "./graph-edits.ts";
import { type ModelSource, nameOfSource, postModel } from "./model-source.ts";
import { moduleBeside } from "./module-beside.ts";
import type { EngineRun } from "./session-protocol.ts";
import { SessionThread } from "./session-thread.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

export interface SessionOptions extends EngineTuning {
  /** Sizes for symbolic dimensions of the inputs, by their names; lets the engine plan memory ahead. */
  readonly freeDimensions?: Readonly<Record<string, number>> | undefined;
  /**
   * Intermediate values, by name, to have as additional outputs. A tapped value must exist, so the engine
   * cannot fuse across it: a tapped session is slower and, in a quantised model, may round differently.
   */
  readonly taps?: readonly string[] | undefined;
  /** Prefix of a path: the engine writes its trace there when the session is closed. See `profile`. */
  readonly profile?: string | undefined;
  /** Where the engine writes the graph it will actually run. See `optimisedGraph`. */
  readonly optimisedModelPath?: string | undefined;
  /** Cancels the opening only. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions {
  /** The outputs wanted. Default: all. The engine skips work that only others need. */
  readonly fetches?: readonly string[] | undefined;
  /** Moves the feeds' buffers into the session instead of copying them; they are empty afterwards. */
  readonly transfer?: boolean | undefined;
  /** A cancelled run that has not begun never begins; one in the engine ends, and its result is dropped. */
  readonly signal?: AbortSignal | undefined;
}

export interface Session extends AsyncDisposable {
  readonly inputs: readonly ValueInfo[];
  /** With taps last, in the order given. */
  readonly outputs: readonly ValueInfo[];
  /**
   * @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, OUTPUT_UNKNOWN,
   * RUN_FAILED, CANCELLED, SESSION_CLOSED, SESSION_CRASHED
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, TensorData>>;
  /** The same, with the time the engine itself took. */
  timedRun(feeds: Feeds, options?: RunOptions): Promise<EngineRun>;
  /** Frees all native memory and ends the thread. Runs not yet answered fail with SESSION_CLOSED. */
  close(): Promise<void>;
}

/**
 * Loads a model into a thread of its own.
 * @throws MODEL_NOT_FOUND, MODEL_LOAD_FAILED, MODEL_UNSUPPORTED_BY_ENGINE, PROVIDER_UNAVAILABLE,
 * TAP_UNKNOWN, DIMENSION_UNKNOWN, CANCELLED, SESSION_CRASHED
 */
export async function openSession(source: ModelSource, options: SessionOptions = {}): Promise<Session> {
  throwIfCancelled(options.signal, "Opening the session");
  const edited = await editSource(source, {
    taps: options.taps ?? [],
    freeDimensions: options.freeDimensions ?? {},
  });
  const engine: EngineOptions = {
    ...engineOptions({ ...options, configEntries: { ...edited.configEntries, ...options.configEntries } }),
    tracePrefix: options.profile ?? null,
    optimisedModelPath: options.optimisedModelPath ?? null,
  };
  const model = postModel(edited.source, nameOfSource(source));
  const thread = new SessionThread(moduleBeside(import.meta.url, "session-worker"));
  const { inputs, outputs } = await thread.open(
    { kind: "open", model, options: engine },
    model.kind === "bytes" ? [model.bytes] : [],
    options.signal,
  );

  const timedRun = async (feeds: Feeds, { fetches, transfer, signal }: RunOptions = {}) => {
    checkFeeds(inputs, feeds);
    if (fetches) checkFetches(outputs, fetches);
    const packed = packFeeds(feeds, transfer ?? false);
    return thread.run({ feeds: packed.feeds, fetches: fetches ?? null }, packed.moved, signal);
  };
  const close = () => thread.close();
  return {
    inputs,
    outputs,
    timedRun,
    run: async (feeds, runOptions) => (await timedRun(feeds, runOptions)).outputs,
    close,
    [Symbol.asyncDispose]: close,
  };
}
