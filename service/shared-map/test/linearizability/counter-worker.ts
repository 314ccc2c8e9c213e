/**
 * A worker that adds 1 to a shared counter and records it: atomically, or with a gap between the load and the
 * store in which real updates are lost.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createRecorder } from "./history.ts";

export interface CounterWork {
  readonly rows: SharedArrayBuffer;
  readonly tickets: Int32Array<SharedArrayBuffer>;
  readonly counter: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
  readonly operations: number;
  readonly atomic: boolean;
}

const { rows, tickets, counter, thread, operations, atomic }: CounterWork = workerData;
const recorder = createRecorder(rows, tickets, thread);
// All begin together, or the first would be done before the last has started.
parentPort?.once("message", () => {
  for (let i = 0; i < operations; i++) {
    recorder.call("add", 0, 1);
    if (atomic) recorder.return(Atomics.add(counter, 0, 1) + 1);
    else {
      const value = Atomics.load(counter, 0) + 1;
      Atomics.store(counter, 0, value);
      recorder.return(value);
    }
  }
  parentPort?.close();
});
parentPort?.postMessage("ready");
