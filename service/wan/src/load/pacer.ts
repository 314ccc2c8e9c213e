/** Calls back when times are due, within a fraction of a millisecond where a core is free. */
import { Worker } from "node:worker_threads";
import { moduleBeside } from "@cupel/base";
import type { PacerData } from "./pacer-thread.ts";

/** Of the clock that processes of a machine share, ms. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * @param due is called for each time in its order, with how late that is, ms. @param originMs what the times count from
 * @returns when all were due, or the signal fired
 */
export async function pace(
  times: Float64Array,
  originMs: number,
  due: (index: number, lagMs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const state = new SharedArrayBuffer(4);
  const flag = new Int32Array(state);
  const { promise: over, resolve: end, reject: fail } = Promise.withResolvers<void>();
  let next = 0;
  const look = () => {
    // Before the look, so that what falls due during it wakes again.
    Atomics.store(flag, 0, 0);
    for (; next < times.length; next++) {
      const lagMs = sharedNowMs() - originMs - times[next]!;
      if (lagMs < 0) return;
      due(next, lagMs);
    }
    end();
  };
  const workerData: PacerData = { originMs, times, state };
  const thread = new Worker(moduleBeside(import.meta.url, "pacer-thread"), {
    name: "cupel-pacer",
    workerData,
  });
  thread.on("message", look);
  thread.on("error", fail);
  // One that woke at the last time, a hair early, would not wake again.
  thread.on("exit", () => setTimeout(look, 1));
  signal.addEventListener("abort", () => end(), { once: true });
  if (signal.aborted) end();
  try {
    await over;
  } finally {
    Atomics.store(flag, 0, 2);
    await thread.terminate();
  }
}
