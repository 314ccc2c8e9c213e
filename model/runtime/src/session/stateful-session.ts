/**
 * A session that keeps values from run to run: what a run computes for an output becomes the next run's
 * input. See `state-binding.ts`.
 */
import type { EngineTask } from "./engine-protocol.ts";
import { closeIfCancelled, type InitialState, openEngine, runOf } from "./engine-thread.ts";
import { checkFeedsGiven, checkTargets, type Feeds, packFeeds, type Targets } from "./feeds.ts";
import type { ModelSource } from "./model-source.ts";
import { checkMaxQueued, createSession, type InferenceSession, type SessionOptions } from "./session.ts";
import { checkStateNames, stateValues } from "./state-binding.ts";
import type { TensorData } from "./tensor-data.ts";

/** `state` is what the session keeps: inputs, and the outputs that renew them. */
export interface StatefulSessionOptions extends SessionOptions, InitialState {}

export interface StatefulSession extends InferenceSession {
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
}

/** Opens sessions of either kind, in the place of `openSession` and `openStatefulSession`: what a profiler offers. */
export type SessionOpener = (
  source: ModelSource,
  options?: Partial<StatefulSessionOptions>,
) => Promise<StatefulSession>;

/**
 * Loads a model into a thread of its own, which keeps `state`.
 * @throws those of `openSession`, STATE_INVALID, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH
 */
export async function openStatefulSession(
  source: ModelSource,
  options: StatefulSessionOptions,
): Promise<StatefulSession> {
  const maxQueued = checkMaxQueued(options);
  const engine = await openEngine(source, options, options);
  closeIfCancelled(engine, options);
  const session = createSession(engine, maxQueued);
  const state = stateValues(options.state);

  async function ask(task: EngineTask, transfer: ArrayBuffer[] = []): Promise<Record<string, TensorData>> {
    return runOf(await engine.thread.perform(task, { transfer })).outputs;
  }

  return {
    ...session,
    get pending() {
      return session.pending;
    },
    async readState(names) {
      checkStateNames(state, names ?? []);
      return ask({ kind: "readState", names: names ?? null });
    },
    async readStateInto(targets) {
      checkStateNames(state, Object.keys(targets));
      checkTargets(state, targets);
      await ask({ kind: "readStateInto", targets });
    },
    async writeState(values) {
      checkStateNames(state, Object.keys(values));
      checkFeedsGiven(state, values);
      const { feeds, moved } = packFeeds(values, "share");
      await ask({ kind: "writeState", values: feeds }, moved);
    },
  };
}
