/**
 * The owner of a worker thread: it keeps what was asked and not yet answered, and settles every promise
 * whatever becomes of the thread. It knows nothing of what the tasks mean. In the thread, `serveThread`
 * speaks the other half of the protocol.
 *
 * Invariants:
 * 1. A promise handed out is settled by a reply, by cancellation, by `close`, or by the thread's end.
 * 2. The thread holds the process alive exactly while it has tasks or is being closed.
 * 3. A thread is asked to end, never terminated: native code in it may not survive that.
 */
import { type Transferable, Worker } from "node:worker_threads";
import { type CupelError, reasonOf } from "../error.ts";
import { baseErrors, cancellation } from "../errors.ts";
import { reviveError } from "../posted-error.ts";
import type { FromThread, ToThread } from "./protocol.ts";

export interface OwnedThreadOptions {
  /** Of the thread, for debuggers and messages, such as "cupel-session". */
  readonly name: string;
  /** What the thread finds as `workerData`. */
  readonly data?: unknown;
  /** What a task fails with after `close`. */
  readonly closed: () => CupelError;
  /** What to do when the thread crashed, a sentence that ends its message. */
  readonly advice: string;
  /** Where objects begin, in MiB: a thread that makes few takes less memory with little. Default: what Node gives. */
  readonly youngGenerationMiB?: number | undefined;
}

export interface TaskOptions {
  /** Buffers that move into the thread; they are empty afterwards. */
  readonly transfer?: readonly Transferable[] | undefined;
  /**
   * A cancelled task is rejected at once. One that has not begun never begins; one in hand ends when its
   * handler lets it, and its result is dropped.
   */
  readonly signal?: AbortSignal | undefined;
  /** For the message of a cancellation. Default "The work". */
  readonly what?: string | undefined;
}

export interface CloseOptions {
  /** Do what was asked before; when false, what has not begun fails. Default false. */
  readonly drain?: boolean | undefined;
}

export class OwnedThread<Task, Result> {
  readonly #worker: Worker;
  readonly #options: OwnedThreadOptions;
  /** What the thread has been given and has neither done nor dropped. */
  readonly #tasks = new Map<number, PromiseWithResolvers<Result>>();
  readonly #ended = Promise.withResolvers<CupelError | null>();
  #nextId = 0;
  /** Why no further task is taken; null while the thread is open. */
  #finished: CupelError | null = null;
  /** Null when the thread ended because it was asked to. */
  #crash: CupelError | null = null;
  #closing = false;

  /** @param entry the thread's module, which MUST call `serveThread` with a handler of these tasks. */
  constructor(entry: URL, options: OwnedThreadOptions) {
    this.#options = options;
    const { name, data, youngGenerationMiB: maxYoungGenerationSizeMb } = options;
    const resourceLimits = maxYoungGenerationSizeMb === undefined ? {} : { maxYoungGenerationSizeMb };
    this.#worker = new Worker(entry, { name, execArgv: [], workerData: data, resourceLimits });
    this.#worker.on("message", (reply: FromThread<Result>) => this.#settle(reply));
    this.#worker.on("error", (thrown) => this.#fail(reasonOf(thrown), thrown));
    this.#worker.on("exit", (status) => {
      if (!this.#closing) this.#fail(`it ended with status ${status}`);
      this.#ended.resolve(this.#crash);
    });
    this.#holdProcess();
  }

  /**
   * Tasks whose memory the thread still holds: the one in hand, those that wait, and those cancelled that it
   * has not dropped yet.
   */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Why no further task is taken, as `perform` would throw it; null while the thread is open. */
  get finished(): CupelError | null {
    return this.#finished;
  }

  /** Resolves when the thread has ended: with THREAD_CRASHED, or null when it was asked to end. */
  get ended(): Promise<CupelError | null> {
    return this.#ended.promise;
  }

  /**
   * Tasks are done one after the other, in the order they were asked for.
   * @throws what the task failed with, with its cause; CANCELLED, DEADLINE_EXCEEDED, THREAD_CRASHED, and
   * after `close` what the options say
   */
  async perform(task: Task, { transfer = [], signal, what = "The work" }: TaskOptions = {}): Promise<Result> {
    if (signal?.aborted) throw cancellation(what, signal);
    if (this.#finished) throw this.#finished;
    const id = this.#nextId++;
    const pending = Promise.withResolvers<Result>();
    const abort = () => {
      pending.reject(cancellation(what, signal));
      this.#post({ kind: "cancel", id });
    };
    this.#post({ kind: "task", id, task }, transfer);
    this.#tasks.set(id, pending);
    this.#holdProcess();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await pending.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Resolves when the thread has ended; the task in hand is finished first. May be called again. */
  async close({ drain = false }: CloseOptions = {}): Promise<void> {
    const waiting = [...this.#tasks.values()].map(({ promise }) => promise);
    const closed = this.#options.closed();
    if (drain) {
      this.#finished ??= closed;
      await Promise.allSettled(waiting);
    }
    this.#finish(closed);
    if (!this.#closing) {
      this.#closing = true;
      this.#post({ kind: "close" });
    }
    this.#holdProcess();
    await this.#ended.promise;
  }

  #settle(reply: FromThread<Result>): void {
    const task = this.#tasks.get(reply.id);
    this.#tasks.delete(reply.id);
    this.#holdProcess();
    if (reply.kind === "done") task?.resolve(reply.result);
    if (reply.kind === "failed") task?.reject(reviveError(reply.error));
  }

  #fail(reason: string, cause?: unknown): void {
    const { name, advice } = this.#options;
    this.#crash ??= baseErrors.error("THREAD_CRASHED", `The thread ${name} crashed (${reason}). ${advice}`, {
      cause,
    });
    this.#finish(this.#crash);
  }

  /** The first reason stays; whoever still waits is told this one. */
  #finish(reason: CupelError): void {
    this.#finished ??= reason;
    for (const task of this.#tasks.values()) task.reject(reason);
    this.#tasks.clear();
  }

  #post(message: ToThread<Task>, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  #holdProcess(): void {
    if (this.#tasks.size > 0 || this.#closing) this.#worker.ref();
    else this.#worker.unref();
  }
}
