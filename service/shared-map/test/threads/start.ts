/** Starts threads of the tests, all at once, and waits for them. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SharedMap } from "../../src/index.ts";
import type { TaskName, tasks } from "./tasks.ts";

type Parameters<Name extends TaskName> = (typeof tasks)[Name] extends (
  map: never,
  parameters: infer P,
) => unknown
  ? P
  : never;

export interface Thread {
  readonly worker: Worker;
  /** As lanes tell it. */
  readonly identity: number;
  /** What the task returned; rejects when it threw. Undefined when the thread was terminated. */
  readonly done: Promise<unknown>;
}

/** Resolves when the thread has attached the map and waits for `go`. */
export async function startThread<Name extends TaskName>(
  // biome-ignore lint/suspicious/noExplicitAny: a map of any kind; the task knows which
  map: SharedMap<any, any>,
  task: Name,
  parameters: Parameters<Name>,
): Promise<Thread> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { handle: map.handle, task, parameters },
  });
  const done = new Promise<unknown>((resolve, reject) => {
    worker.on("message", (message) => message.kind === "done" && resolve(message.result));
    worker.once("error", reject);
    worker.once("exit", () => resolve(undefined));
  });
  done.catch(() => {});
  const [ready] = (await Promise.race([once(worker, "message"), done.then(() => [])])) ?? [];
  return { worker, done, identity: ready?.identity ?? 0 };
}

export function go(threads: readonly Thread[]): void {
  for (const { worker } of threads) worker.postMessage("go");
}

/** Word 0 stops a task; the others are its counts. */
export function createControl(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(64));
}
