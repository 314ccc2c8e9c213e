/**
 * The threads of a loader, seen from its owner: each fills one batch at a time, the next batch goes to
 * whichever is free.
 *
 * Invariants:
 * 1. A promise handed out is settled by a reply or by the end of a thread; one thread's crash fails all.
 * 2. A thread holds the process alive exactly while it works or is being closed.
 */
import { Worker } from "node:worker_threads";
import { baseErrors, type CupelError, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { Image } from "../image.ts";
import type { Slot } from "./fill-batch.ts";
import type { LoaderReply, LoaderRequest, LoaderThreadData } from "./loader-protocol.ts";

interface Job {
  readonly slots: readonly Slot[];
  readonly data: Float32Array<ArrayBuffer>;
  readonly done: PromiseWithResolvers<LoaderReply>;
}

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<void>;
  job: Job | null;
}

export class LoaderThreads {
  readonly #threads: readonly Thread[];
  #waiting: Job[] = [];
  /** Why no further batch is taken; null while the loader is open. */
  #finished: CupelError | null = null;

  /** @param entry the worker's module. It MUST speak the protocol of `loader-protocol.ts`. */
  constructor(entry: URL, count: number, data: LoaderThreadData) {
    this.#threads = Array.from({ length: count }, () => this.#start(entry, data));
  }

  /** Takes `data` and gives it back in the reply, filled. Rejects with THREAD_CRASHED and LOADER_CLOSED. */
  async fill(slots: readonly Slot[], data: Float32Array<ArrayBuffer>): Promise<LoaderReply> {
    if (this.#finished) throw this.#finished;
    const done = Promise.withResolvers<LoaderReply>();
    this.#waiting.push({ slots, data, done });
    this.#dispatch();
    return done.promise;
  }

  /** Resolves when every thread has ended; batches being filled are finished first. */
  async close(): Promise<void> {
    this.#finish(loaderClosed());
    await Promise.allSettled(this.#threads.map(({ job }) => job?.done.promise));
    for (const { worker } of this.#threads) {
      worker.ref();
      const request: LoaderRequest = { kind: "close" };
      worker.postMessage(request);
    }
    await Promise.all(this.#threads.map(({ ended }) => ended));
  }

  #start(entry: URL, workerData: LoaderThreadData): Thread {
    const worker = new Worker(entry, { name: "cupel-loader", execArgv: [], workerData });
    const ended = Promise.withResolvers<void>();
    const thread: Thread = { worker, ended: ended.promise, job: null };
    worker.unref();
    worker.on("message", ({ data, broken }: LoaderReply) => {
      const { job } = thread;
      thread.job = null;
      worker.unref();
      job?.done.resolve({ data, broken });
      this.#dispatch();
    });
    worker.on("error", (thrown) => this.#fail(reasonOf(thrown), thrown));
    worker.on("exit", (status) => {
      ended.resolve();
      this.#fail(`it ended with status ${status}`);
    });
    return thread;
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (thread.job !== null) continue;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      thread.job = job;
      thread.worker.ref();
      const request: LoaderRequest = { kind: "fill", slots: job.slots.map(posted), data: job.data };
      thread.worker.postMessage(request, [job.data.buffer]);
    }
  }

  #fail(reason: string, cause?: unknown): void {
    const crash = baseErrors.error(
      "THREAD_CRASHED",
      `A thread of the loader crashed (${reason}). Open a new loader; if it happens again, use workers: 0 to see where.`,
      { cause },
    );
    this.#finish(crash);
    for (const { job } of this.#threads) job?.done.reject(crash);
  }

  /** The first reason stays: a thread that ends after `close` did not crash. */
  #finish(reason: CupelError): void {
    this.#finished ??= reason;
    for (const { done } of this.#waiting) done.reject(this.#finished);
    this.#waiting = [];
  }
}

export function loaderClosed(): CupelError {
  return visionErrors.error("LOADER_CLOSED", "The loader is closed; open a new one.");
}

/** Bytes that are a view travel alone: posting one copies all of the buffer that it looks into. */
function posted(slot: Slot): Slot {
  return { ...slot, image: withoutSurroundings(slot.image) };
}

function withoutSurroundings(image: Image): Image {
  switch (image.kind) {
    case "file":
      return image;
    case "encoded":
      return { ...image, bytes: Uint8Array.from(image.bytes) };
    case "raw":
      return { ...image, data: Uint8Array.from(image.data) };
  }
}
