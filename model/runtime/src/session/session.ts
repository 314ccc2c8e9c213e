/**
 * The public session: a model that is loaded and can be run, in a thread of its own.
 *
 * Opening a session starts one thread; closing it frees the engine's memory and ends the thread. Runs are
 * answered in the order they were asked for, and several may be under way, so that a caller prepares the
 * next image while the engine works on this one.
 */
import { moduleBeside, throwIfCancelled } from "@cupel/base";
import { type EngineOptions, type EngineTuning, engineOptions } from "./engine-options.ts";
import { enginePackage } from "./engine-package.ts";
import {
  checkFeeds,
  checkFeedsGiven,
  checkFetches,
  checkTargets,
  type Feeds,
  packFeeds,
  type Targets,
} from "./feeds.ts";
import { editSource } from "./graph-edits.ts";
import { type ModelSource, nameOfSource, postModel } from "./model-source.ts";
import type { EngineRun } from "./session-protocol.ts";
import { SessionThread } from "./session-thread.ts";
import { checkStateNames, packBindings, type StateBinding, stateValues } from "./state-binding.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

export interface SessionOptions extends EngineTuning {
  /** Sizes for symbolic dimensions of the inputs, by their names; lets the engine plan memory ahead. */
  readonly freeDimensions?: Readonly<Record<string, number>> | undefined;
  /**
   * Intermediate values, by name, to have as additional outputs. A tapped value must exist, so the engine
   * cannot fuse across it: a tapped session is slower and, in a quantised model, may round differently.
   */
  readonly taps?: readonly string[] | undefined;
  /** Inputs that keep their values in the session, and the outputs that renew them. Default: none. */
  readonly state?: readonly StateBinding[] | undefined;
  /** Moves the buffers of the initial state into the session instead of copying them; they are empty afterwards. */
  readonly transferState?: boolean | undefined;
  /** Prefix of a path: the engine writes its trace there when the session is closed. See `profile`. */
  readonly profile?: string | undefined;
  /** Where the engine writes the graph it will actually run. See `optimisedGraph`. */
  readonly optimisedModelPath?: string | undefined;
  /** Cancels the opening only. */
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
  /** A cancelled run that has not begun never begins; one in the engine ends, renews the state, and its result is dropped. */
  readonly signal?: AbortSignal | undefined;
}

export interface Session extends AsyncDisposable {
  /** What a run is fed: all inputs but state. */
  readonly inputs: readonly ValueInfo[];
  /** What a run gives: all outputs but state, with taps last, in the order given. */
  readonly outputs: readonly ValueInfo[];
  /**
   * @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, OUTPUT_UNKNOWN,
   * RUN_FAILED, CANCELLED, SESSION_CLOSED, THREAD_CRASHED
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, TensorData>>;
  /** The same, with the time the engine itself took. */
  timedRun(feeds: Feeds, options?: RunOptions): Promise<EngineRun>;
  /**
   * Copies of the state, by input, between two runs: in turn with the runs asked for.
   * @throws STATE_INVALID, SESSION_CLOSED, THREAD_CRASHED
   */
  readState(names?: readonly string[]): Promise<Record<string, TensorData>>;
  /**
   * The same into arrays over SharedArrayBuffers, which the session's thread writes itself.
   * @throws STATE_INVALID, TENSOR_TYPE_MISMATCH, SESSION_CLOSED, THREAD_CRASHED
   */
  readStateInto(targets: Targets): Promise<void>;
  /**
   * Replaces values of the state, in turn with the runs asked for; those not given stay. Values in ordinary
   * memory are taken as they are now. Those in a SharedArrayBuffer are read by the session's thread, without
   * a copy in between, and MUST NOT change until the promise is settled.
   * @throws STATE_INVALID, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, SESSION_CLOSED, THREAD_CRASHED
   */
  writeState(values: Feeds): Promise<void>;
  /** Frees all native memory and ends the thread. Runs not yet answered fail with SESSION_CLOSED. */
  close(): Promise<void>;
}

/**
 * Loads a model into a thread of its own.
 * @throws ENGINE_MISSING, MODEL_NOT_FOUND, MODEL_LOAD_FAILED, MODEL_UNSUPPORTED_BY_ENGINE, PROVIDER_UNAVAILABLE,
 * TAP_UNKNOWN, DIMENSION_UNKNOWN, STATE_INVALID, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH, CANCELLED, THREAD_CRASHED
 */
export async function openSession(source: ModelSource, options: SessionOptions = {}): Promise<Session> {
  throwIfCancelled(options.signal, "Opening the session");
  // Looked for here, since a thread that cannot load it would only end.
  enginePackage();
  const { state: bindings = [], transferState = false } = options;
  const edited = await editSource(source, {
    taps: options.taps ?? [],
    freeDimensions: options.freeDimensions ?? {},
    sentinel: bindings.some((binding) => binding.output !== null),
  });
  const engine: EngineOptions = {
    ...engineOptions({ ...options, configEntries: { ...edited.configEntries, ...options.configEntries } }),
    tracePrefix: options.profile ?? null,
    optimisedModelPath: options.optimisedModelPath ?? null,
  };
  const model = postModel(edited.source, nameOfSource(source));
  const initial = packBindings(bindings, transferState);
  const thread = new SessionThread(moduleBeside(import.meta.url, "session-worker"));
  const opened = await thread.open(
    { kind: "open", model, options: engine, state: initial.bindings },
    model.kind === "bytes" ? [model.bytes, ...initial.moved] : initial.moved,
    options.signal,
  );
  const state = stateValues(bindings);
  const renewed = new Set(bindings.map((binding) => binding.output));
  const inputs = opened.inputs.filter((input) => !state.some((value) => value.name === input.name));
  const outputs = opened.outputs.filter((output) => !renewed.has(output.name));

  const timedRun = async (feeds: Feeds, { fetches, into = {}, transfer, signal }: RunOptions = {}) => {
    checkFeeds(inputs, feeds);
    const wanted = fetches ? [...new Set([...fetches, ...Object.keys(into)])] : null;
    checkFetches(outputs, wanted ?? Object.keys(into));
    checkTargets(outputs, into);
    const packed = packFeeds(feeds, transfer ? "transfer" : "copy");
    const task = { kind: "run", feeds: packed.feeds, fetches: wanted, into } as const;
    return thread.perform(task, packed.moved, signal);
  };
  const close = () => thread.close();
  return {
    inputs,
    outputs,
    timedRun,
    run: async (feeds, runOptions) => (await timedRun(feeds, runOptions)).outputs,
    async readState(names) {
      checkStateNames(state, names ?? []);
      return (await thread.perform({ kind: "readState", names: names ?? null }, [])).outputs;
    },
    async readStateInto(targets) {
      checkStateNames(state, Object.keys(targets));
      checkTargets(state, targets);
      await thread.perform({ kind: "readStateInto", targets }, []);
    },
    async writeState(values) {
      checkStateNames(state, Object.keys(values));
      checkFeedsGiven(state, values);
      const packed = packFeeds(values, "share");
      await thread.perform({ kind: "writeState", values: packed.feeds }, packed.moved);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
