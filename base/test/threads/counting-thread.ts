/** A thread that adds up, waits and fails when told to. */
import { setTimeout } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { baseErrors, serveThread } from "@cupel/base";

export type CountingTask =
  | { readonly add: number }
  | { readonly wait: number }
  /** Waits until nobody waits for it. */
  | { readonly heed: number }
  | { readonly fail: string }
  | { readonly exit: number }
  | { readonly crash: string };

let sum: number = workerData;

serveThread<CountingTask, number>({
  async perform(task, signal) {
    if ("heed" in task) await setTimeout(task.heed, null, { signal });
    if ("wait" in task) await setTimeout(task.wait);
    if ("fail" in task) throw baseErrors.error("DISK_FULL", task.fail, { cause: new RangeError("inner") });
    if ("exit" in task) process.exit(task.exit);
    if ("crash" in task) {
      queueMicrotask(() => {
        throw new Error(task.crash);
      });
      await setTimeout(10_000);
    }
    if ("add" in task) sum += task.add;
    return { result: sum };
  },
});
