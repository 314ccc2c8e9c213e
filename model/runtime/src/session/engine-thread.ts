/** The thread that hosts one engine session, from its owner's side: how it is started and its model loaded. */
import { cancellation, moduleBeside, OwnedThread, throwIfCancelled } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import { engineBudget } from "./engine-budget.ts";
import { engineOptions } from "./engine-options.ts";
import { enginePackage } from "./engine-package.ts";
import type { EngineAnswer, EngineRun, EngineTask, EngineThreadData } from "./engine-protocol.ts";
import { createGuardMemory, guardExit, unguardExit } from "./exit-guard.ts";
import { editSource } from "./graph-edits.ts";
import { type ModelSource, nameOfSource, postModel } from "./model-source.ts";
import { isRefusedForNames } from "./repeated-names.ts";
import type { SessionOptions } from "./session.ts";
import { packBindings, type StateBinding, stateValues } from "./state-binding.ts";
import type { ValueInfo } from "./tensor-data.ts";

/** For the message of a cancellation. */
const openingTheSession = "Opening the session";

export type EngineThread = OwnedThread<EngineTask, EngineAnswer>;

/** A thread whose model is loaded. */
export interface OpenEngine {
  readonly thread: EngineThread;
  /** What a run is fed: all inputs but state. */
  readonly inputs: readonly ValueInfo[];
  /** What a run gives: all outputs but state. */
  readonly outputs: readonly ValueInfo[];
}

export interface InitialState {
  readonly state: readonly StateBinding[];
  /** Moves the initial values' buffers instead of copying them. */
  readonly transferState?: boolean | undefined;
}

/**
 * @param entry the thread's module. It MUST do the tasks of `engine-protocol.ts`.
 * @param engineThreads that each of its runs takes of the budget.
 */
export function startEngineThread(entry: URL, engineThreads: number): EngineThread {
  const guard = createGuardMemory();
  const budget = engineBudget();
  const place = budget.join(engineThreads);
  const leave = () => budget.leave(place);
  const data: EngineThreadData = { guard, budget: budget.memory, place };
  guardExit(guard, leave);
  const thread: EngineThread = new OwnedThread(entry, {
    name: "cupel-session",
    data,
    closed: () => runtimeErrors.error("SESSION_CLOSED", "The session is closed; open a new one."),
    advice: "Open a new session; if it happens again, please report the model.",
  });
  void thread.ended.then(() => {
    unguardExit(guard);
    leave();
  });
  return thread;
}

/** See `openSession` for what it throws. A thread whose model does not load, or that is no longer wanted, ends by itself. */
export async function openEngine(
  source: ModelSource,
  options: SessionOptions,
  initial: InitialState,
): Promise<OpenEngine> {
  try {
    return await openEdited(source, options, initial, false);
  } catch (thrown) {
    // State that was given away is not there any more to begin again with.
    if (!isRefusedForNames(thrown) || initial.transferState) throw thrown;
    return await openEdited(source, options, initial, true);
  }
}

async function openEdited(
  source: ModelSource,
  options: SessionOptions,
  { state, transferState = false }: InitialState,
  nodeNames: boolean,
): Promise<OpenEngine> {
  const { signal } = options;
  const what = openingTheSession;
  throwIfCancelled(signal, what);
  // Looked for here, since a thread that cannot load it would only end.
  enginePackage();
  const edited = await editSource(source, {
    taps: options.taps ?? [],
    freeDimensions: options.freeDimensions ?? {},
    sentinel: state.some((binding) => binding.output !== null),
    nodeNames,
  });
  throwIfCancelled(signal, what);
  const engine = {
    ...engineOptions({ ...options, configEntries: { ...edited.configEntries, ...options.configEntries } }),
    tracePrefix: options.profile ?? null,
    optimisedModelPath: options.optimisedModelPath ?? null,
  };
  const model = postModel(edited.source, nameOfSource(source));
  const initial = packBindings(state, transferState);
  const thread = startEngineThread(moduleBeside(import.meta.url, "engine-worker"), engine.threads);
  try {
    const opened = await thread.perform(
      { kind: "open", model, options: engine, state: initial.bindings },
      { transfer: model.kind === "bytes" ? [model.bytes, ...initial.moved] : initial.moved, signal, what },
    );
    if (opened.kind !== "opened") throw new Error("A thread that loaded a model says what it takes.");
    const held = new Set(stateValues(state).map(({ name }) => name));
    const renewed = new Set(state.map((binding) => binding.output));
    return {
      thread,
      inputs: opened.inputs.filter(({ name }) => !held.has(name)),
      outputs: opened.outputs.filter(({ name }) => !renewed.has(name)),
    };
  } catch (thrown) {
    void thread.close();
    throw thrown;
  }
}

/**
 * To be called last, in the tick in which the opening resolves: an abort may have come after the thread answered.
 * @throws CANCELLED, DEADLINE_EXCEEDED; the thread then ends by itself
 */
export function closeIfCancelled({ thread }: OpenEngine, { signal }: SessionOptions): void {
  if (!signal?.aborted) return;
  void thread.close();
  throw cancellation(openingTheSession, signal);
}

export function runOf(answer: EngineAnswer): EngineRun {
  if (answer.kind === "done") return answer.run;
  throw new Error("A session is opened once.");
}
