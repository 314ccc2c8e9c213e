/** Sleeps until each request is due and wakes the generator: timers of Node.js are of whole milliseconds, a thread's sleep is not. */
import { parentPort, workerData } from "node:worker_threads";

export interface PacerData {
  /** Of `process.hrtime`, ms, that the times count from. */
  readonly originMs: number;
  /** As `makeSchedule` gives them. */
  readonly times: Float64Array;
  /** 1 while the generator was woken and has not looked yet; 2: the thread is to end. */
  readonly state: SharedArrayBuffer;
}

const { originMs, times, state }: PacerData = workerData;
const flag = new Int32Array(state);
const nowMs = () => Number(process.hrtime.bigint()) / 1e6 - originMs;
const never = new Int32Array(new SharedArrayBuffer(4));

for (const at of times) {
  if (Atomics.load(flag, 0) === 2) break;
  for (let restMs = at - nowMs(); restMs > 0; restMs = at - nowMs()) {
    // The end is heard of between two sleeps.
    Atomics.wait(never, 0, 0, Math.min(restMs, 100));
    if (Atomics.load(flag, 0) === 2) break;
  }
  if (Atomics.compareExchange(flag, 0, 0, 1) === 0) parentPort?.postMessage(null);
}
