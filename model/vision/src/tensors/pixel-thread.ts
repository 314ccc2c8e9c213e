/**
 * Work on pixels without holding up the caller's thread: what takes more than a few milliseconds is done in another,
 * and given up as soon as nobody wants it any more. A thread that has done its work waits a moment for the next, as the
 * images of a set come one after the other, and then ends; it never keeps the process alive by waiting. What is called
 * in a worker thread already is done there.
 */
import { isMainThread } from "node:worker_threads";
import { cancellation, moduleBeside, OwnedThread, throwIfCancelled } from "@cupel/base";
import type { RawImage } from "../image.ts";
import { doPixelTask, type PixelTask, withOwnBytes, workOf } from "./pixel-work.ts";

/** Done at once below this: 4 ms or so. */
export const MOST_AT_ONCE = 2_000_000;

export interface PixelThreadTask {
  readonly task: PixelTask;
  /** The first element becomes 1 when the work is given up. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

const what = "Reading an image";

/**
 * @param most work that is done at once, see `workOf`.
 * @throws CANCELLED, DEADLINE_EXCEEDED, THREAD_CRASHED; Error with what is wrong with a bitmap
 */
export async function pixelWork(
  task: PixelTask,
  signal: AbortSignal | undefined,
  most = MOST_AT_ONCE,
): Promise<RawImage> {
  throwIfCancelled(signal, what);
  if (!isMainThread || workOf(task) <= most) return doPixelTask(task, () => false);
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const own = withOwnBytes(task);
  const waiting = idle.pop();
  clearTimeout(waiting?.timer);
  const thread = waiting?.thread ?? startThread();
  try {
    return await thread.perform({ task: own.task, stop }, { transfer: [own.moved], signal, what });
  } finally {
    Atomics.store(stop, 0, 1);
    waitForMore(thread);
  }
}

type PixelThread = OwnedThread<PixelThreadTask, RawImage>;

/** A thread waits this long for more work. */
const waitMs = 1000;
/** The last one has waited for the shortest time. */
const idle: { readonly thread: PixelThread; readonly timer: NodeJS.Timeout }[] = [];

function startThread(): PixelThread {
  return new OwnedThread(moduleBeside(import.meta.url, "pixel-worker"), {
    name: "cupel-pixels",
    closed: () => cancellation(what, undefined),
    advice: "Read the image again.",
  });
}

function waitForMore(thread: PixelThread): void {
  if (thread.finished !== null) return;
  const end = () => {
    idle.splice(idle.indexOf(waiting), 1);
    void thread.close();
  };
  const waiting = { thread, timer: setTimeout(end, waitMs).unref() };
  idle.push(waiting);
}
