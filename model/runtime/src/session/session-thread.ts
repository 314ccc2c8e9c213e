/**
 * The caller's end of a session's thread: it keeps what was asked and not yet answered, and settles every
 * promise whatever becomes of the thread. It knows nothing of models or tensors.
 *
 * Invariants:
 * 1. A promise handed out is settled by a reply, by cancellation, by `close`, or by the thread's end.
 * 2. The thread holds the process alive exactly while something is asked and not answered.
 */
import { Worker } from "node:worker_threads";
import { baseErrors, type CupelError, reasonOf, reviveError } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import { createGuardMemory, guardExit, unguardExit } from "./exit-guard.ts";
import type { EngineRun, SessionReply, SessionRequest, SessionTask } from "./session-protocol.ts";
import type { ValueInfo } from "./tensor-data.ts";

export interface OpenedModel {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

type OpenRequest = Extract<SessionRequest, { kind: "open" }>;

export class SessionThread {
  readonly #worker: Worker;
  readonly #tasks = new Map<number, PromiseWithResolvers<EngineRun>>();
  readonly #opening = Promise.withResolvers<OpenedModel>();
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 0;
  /** Why no further task is taken; null while the session is open. */
  #finished: CupelError | null = null;
  #closing = false;

  /** @param entry the worker's module. It MUST speak the protocol of `session-protocol.ts`. */
  constructor(entry: URL) {
    const guard = createGuardMemory();
    guardExit(guard);
    this.#worker = new Worker(entry, { name: "cupel-session", execArgv: [], workerData: guard });
    this.#worker.on("message", (reply: SessionReply) => this.#settle(reply));
    this.#worker.on("error", (thrown) => this.#finish(crashed(reasonOf(thrown), thrown)));
    this.#worker.on("exit", (status) => {
      this.#finish(crashed(`it ended with status ${status}`));
      unguardExit(guard);
      this.#ended.resolve();
    });
    // Whoever opens waits for it; a thread that dies later must not raise an unhandled rejection here.
    this.#opening.promise.catch(() => {});
  }

  /** Rejects with what the worker refused, THREAD_CRASHED or CANCELLED; the thread then ends by itself. */
  async open(request: OpenRequest, moved: ArrayBuffer[], signal?: AbortSignal): Promise<OpenedModel> {
    this.#worker.postMessage(request, moved);
    const abort = () => this.#finish(cancelled("Opening the session", signal));
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const opened = await this.#opening.promise;
      this.#holdProcess();
      return opened;
    } catch (thrown) {
      // Never terminated: see exit-guard.ts. A refused model ends the thread; a cancelled one does, once loaded.
      this.#post({ kind: "close" });
      this.#worker.unref();
      throw thrown;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Rejects with what the task failed with, CANCELLED, SESSION_CLOSED or THREAD_CRASHED. */
  async perform(task: SessionTask, moved: ArrayBuffer[], signal?: AbortSignal): Promise<EngineRun> {
    if (signal?.aborted) throw cancelled("The run", signal);
    if (this.#finished) throw this.#finished;
    const id = this.#nextId++;
    const pending = Promise.withResolvers<EngineRun>();
    this.#tasks.set(id, pending);
    const abort = () => {
      pending.reject(cancelled("The run", signal));
      this.#post({ kind: "cancel", id });
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#holdProcess();
      this.#post({ ...task, id }, moved);
      return await pending.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#tasks.delete(id);
      this.#holdProcess();
    }
  }

  /** Resolves when native memory is freed and the thread has ended; the run in the engine ends first. */
  async close(): Promise<void> {
    this.#finish(runtimeErrors.error("SESSION_CLOSED", "The session is closed; open a new one."));
    this.#closing = true;
    this.#holdProcess();
    this.#post({ kind: "close" });
    await this.#ended.promise;
  }

  #settle(reply: SessionReply): void {
    switch (reply.kind) {
      case "opened":
        this.#opening.resolve(reply);
        break;
      case "refused":
        this.#finish(reviveError(reply.error));
        break;
      case "done":
        this.#tasks.get(reply.id)?.resolve(reply.run);
        break;
      case "failed":
        this.#tasks.get(reply.id)?.reject(reviveError(reply.error));
        break;
    }
  }

  /** The first reason stays: a thread that ends after `close` did not crash. */
  #finish(reason: CupelError): void {
    if (this.#finished) return;
    this.#finished = reason;
    this.#opening.reject(reason);
    for (const task of this.#tasks.values()) task.reject(reason);
  }

  #post(request: SessionRequest, moved: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, moved);
  }

  #holdProcess(): void {
    if (this.#tasks.size > 0 || this.#closing) this.#worker.ref();
    else this.#worker.unref();
  }
}

function crashed(reason: string, cause?: unknown): CupelError {
  return baseErrors.error(
    "THREAD_CRASHED",
    `The thread of the session crashed (${reason}). Open a new session; if it happens again, please report the model.`,
    { cause },
  );
}

function cancelled(what: string, signal: AbortSignal | undefined): CupelError {
  return baseErrors.error("CANCELLED", `${what} was cancelled.`, { cause: signal?.reason });
}
