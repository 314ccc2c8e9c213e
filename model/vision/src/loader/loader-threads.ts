/**
 * The threads of a loader: each fills one batch at a time, the next batch goes to whichever is free. When one
 * has crashed, no further batch is taken.
 */
import { type CupelError, OwnedThread } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { Image } from "../image.ts";
import type { Slot } from "./fill-batch.ts";
import type { FilledBatch, LoaderTask, LoaderThreadData } from "./loader-protocol.ts";

type Thread = OwnedThread<LoaderTask, FilledBatch>;

export class LoaderThreads {
  readonly #threads: readonly Thread[];
  readonly #free: Thread[];
  #waiting: PromiseWithResolvers<Thread>[] = [];
  /** Why no further batch is taken; null while the loader is open. */
  #finished: CupelError | null = null;

  /** @param entry the threads' module. It MUST do the tasks of `loader-protocol.ts`. */
  constructor(entry: URL, count: number, data: LoaderThreadData) {
    this.#threads = Array.from({ length: count }, () => this.#start(entry, data));
    this.#free = [...this.#threads];
  }

  /**
   * Takes `data` and gives it back, filled.
   * @throws CANCELLED, DEADLINE_EXCEEDED at once: the thread stops before its next image, and `data` is lost;
   * THREAD_CRASHED, LOADER_CLOSED; INTERNAL for a failure that is not an image's
   */
  async fill(
    slots: readonly Slot[],
    data: Float32Array<ArrayBuffer>,
    signal: AbortSignal | undefined,
  ): Promise<FilledBatch> {
    const thread = await this.#next();
    try {
      const options = { transfer: [data.buffer], signal, what: "Loading images" };
      return await thread.perform({ slots: slots.map(posted), data }, options);
    } finally {
      const next = this.#waiting.shift();
      if (next) next.resolve(thread);
      else this.#free.push(thread);
    }
  }

  /** Resolves when every thread has ended; batches being filled are finished first. */
  async close(): Promise<void> {
    this.#finish(loaderClosed());
    await Promise.all(this.#threads.map((thread) => thread.close({ drain: true })));
  }

  #start(entry: URL, data: LoaderThreadData): Thread {
    const thread: Thread = new OwnedThread(entry, {
      name: "cupel-loader",
      data,
      closed: loaderClosed,
      advice: "Open a new loader; if it happens again, use workers: 0 to see where.",
    });
    void thread.ended.then((crash) => crash && this.#finish(crash));
    return thread;
  }

  async #next(): Promise<Thread> {
    if (this.#finished) throw this.#finished;
    const free = this.#free.shift();
    if (free) return free;
    const next = Promise.withResolvers<Thread>();
    this.#waiting.push(next);
    return next.promise;
  }

  /** The first reason stays: a thread that ends after `close` did not crash. */
  #finish(reason: CupelError): void {
    this.#finished ??= reason;
    for (const next of this.#waiting) next.reject(this.#finished);
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
