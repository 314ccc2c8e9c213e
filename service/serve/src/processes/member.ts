/**
 * In a process of several: it enters among the others, comes up with the models they have, and passes on what it is asked
 * to load or unload, so that all do it. In a process that is alone, none of this happens.
 */
import cluster from "node:cluster";
import { cancellation, postError, reviveError, throwIfCancelled } from "@cupel/base";
import type { ModelRepository } from "../repository/model-repository.ts";
import type { StartingRepository } from "../repository/open-repository.ts";
import type { Standing } from "../repository/standing.ts";
import { type FromSupervisor, isFromSupervisor, type ModelChange, type ToSupervisor } from "./protocol.ts";

/** What the process that supervises marks those with that it starts. */
export const supervisedMark = "CUPEL_SUPERVISED";

/** Whether this process is one that `supervise` started. */
export function isSupervised(): boolean {
  return cluster.isWorker && process.env[supervisedMark] !== undefined;
}

export interface Member extends Disposable {
  /** What the others have in service; null where there are none. */
  readonly standing: Standing | null;
  /** Whether others serve already. */
  readonly isLater: boolean;
  /** The repository, whose `load` and `unload` are done by all processes. To be called once, before it is started. */
  shared(repository: StartingRepository): ModelRepository;
  /**
   * Its models are loaded: does what was asked of all meanwhile, and resolves when it is to answer requests.
   * @param about for who supervises. @throws CANCELLED
   */
  loaded(about: unknown, signal: AbortSignal | undefined): Promise<void>;
}

const alone: Member = {
  standing: null,
  isLater: false,
  shared: (repository) => repository,
  loaded: async () => {},
  [Symbol.dispose]() {},
};

/** @throws CANCELLED */
export async function joinProcesses(signal: AbortSignal | undefined): Promise<Member> {
  if (!isSupervised()) return alone;
  const entered = Promise.withResolvers<Extract<FromSupervisor, { cupel: "entered" }>>();
  const started = Promise.withResolvers<StartingRepository>();
  const serve = Promise.withResolvers<void>();
  const asked = new Map<number, PromiseWithResolvers<void>>();
  /** Of each model the last change: they are done one after the other, in the order in which all hear of them. */
  const last = new Map<string, Promise<void>>();
  let repository: StartingRepository | null = null;
  let lastId = 0;

  const perform = async (change: ModelChange, model: string, before: Promise<void> | undefined) => {
    await before;
    const its = await started.promise;
    await (change === "load" ? its.load(model) : its.unload(model));
  };
  const follow = ({ round, change, model }: Extract<FromSupervisor, { cupel: "do-change" }>): void => {
    const tell = (error: unknown) =>
      send({ cupel: "change-done", round, error: error === null ? null : postError(error) });
    const done: Promise<void> = perform(change, model, last.get(model))
      .then(() => tell(null), tell)
      .finally(() => {
        if (last.get(model) === done) last.delete(model);
      });
    last.set(model, done);
  };
  const onMessage = (message: unknown): void => {
    if (!isFromSupervisor(message)) return;
    switch (message.cupel) {
      case "entered":
        entered.resolve(message);
        break;
      case "tell-standing":
        send({ cupel: "standing-told", round: message.round, standing: repository?.standing() ?? [] });
        break;
      case "serve":
        serve.resolve();
        break;
      case "do-change":
        follow(message);
        break;
      case "change-answered":
        if (message.error === null) asked.get(message.id)?.resolve();
        else asked.get(message.id)?.reject(reviveError(message.error));
        break;
      case "stop":
        break;
    }
  };
  process.on("message", onMessage);
  using joining = new DisposableStack();
  joining.defer(() => void process.off("message", onMessage));

  /** Who leaves stops to wait; the change is done all the same, so that no process has it and another has not. */
  const changeAll = async (change: ModelChange, model: string, left?: AbortSignal): Promise<void> => {
    throwIfCancelled(left, `The ${change} of the model "${model}"`);
    const id = ++lastId;
    const answered = Promise.withResolvers<void>();
    asked.set(id, answered);
    const leave = () => answered.reject(cancellation(`The ${change} of the model "${model}"`, left));
    left?.addEventListener("abort", leave, { once: true });
    try {
      send({ cupel: "ask-change", id, change, model });
      await answered.promise;
    } finally {
      left?.removeEventListener("abort", leave);
      asked.delete(id);
    }
  };

  send({ cupel: "enter" });
  const { standing, isLater } = await unlessCancelled(entered.promise, signal);
  const leaving = joining.move();
  return {
    standing,
    isLater,
    shared(its) {
      repository = its;
      return {
        lease: (model, version) => its.lease(model, version),
        versions: (model) => its.versions(model),
        index: () => its.index(),
        load: (model, left) => changeAll("load", model, left),
        unload: (model) => changeAll("unload", model),
        get isReady() {
          return its.isReady;
        },
        [Symbol.asyncDispose]: () => its[Symbol.asyncDispose](),
      };
    },
    async loaded(about, until) {
      if (repository === null) throw new Error("The repository is shared before it is loaded.");
      started.resolve(repository);
      await unlessCancelled(Promise.all(last.values()), until);
      send({ cupel: "loaded", about });
      await unlessCancelled(serve.promise, until);
      // What was asked before the others knew of this one, whose answer they did not wait for.
      await unlessCancelled(Promise.all(last.values()), until);
    },
    [Symbol.dispose]: () => leaving.dispose(),
  };
}

/** @throws CANCELLED */
async function unlessCancelled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const what = "Starting the server";
  throwIfCancelled(signal, what);
  const cancelled = Promise.withResolvers<never>();
  const cancel = () => cancelled.reject(cancellation(what, signal));
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([promise, cancelled.promise]);
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function send(message: ToSupervisor): void {
  // Without a channel the process that supervises is gone, and this one ends.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
