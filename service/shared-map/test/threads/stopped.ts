/**
 * A thread that stops in the middle of a call, with a lock in its hand or pinned, until it is let go or terminated.
 * It runs the core as TypeScript, whose atomics are JavaScript's: they are changed here.
 */
import { once } from "node:events";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { DIRECTORY_LOCK, HEAP_LOCK, LANE_BYTES, LANES, PIN, SEGMENT_LOCK } from "../../src/core/layout.ts";
import { type MapKey, SharedMap, type SharedMapHandle } from "../../src/index.ts";

export type StopAt = "heap" | "segment" | "directory" | "pin";

interface StoppedData {
  readonly handle: SharedMapHandle;
  /** Word 0: 1 once it has stopped; it waits for another value. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly at: StopAt;
  /** Whether the one that stops is a thread that this one starts. */
  readonly nested: boolean;
}

/** Resolves when the thread has stopped. */
export async function startStopped(
  handle: SharedMapHandle,
  at: StopAt,
  nested = false,
): Promise<{ worker: Worker; control: Int32Array<SharedArrayBuffer> }> {
  const control = new Int32Array(new SharedArrayBuffer(4));
  const data: StoppedData = { handle, control, at, nested };
  const worker = new Worker(new URL(import.meta.url), { workerData: { stopped: data } });
  await Promise.race([
    Atomics.waitAsync(control, 0, 0).value,
    once(worker, "error").then(([error]) => Promise.reject(error)),
  ]);
  return { worker, control };
}

if (!isMainThread && workerData?.stopped) await stop(workerData.stopped);

async function stop({ handle, control, at, nested }: StoppedData): Promise<void> {
  if (nested) {
    const data: StoppedData = { handle, control, at, nested: false };
    new Worker(new URL(import.meta.url), { workerData: { stopped: data } });
    return;
  }
  const map = SharedMap.attach<MapKey, number>(handle);
  const lanes = new Int32Array(handle.memory as SharedArrayBuffer)[LANES >> 2]!;
  const { store, compareExchange } = Atomics;
  let isTaken = false;
  const halt = () => {
    if (isTaken) return;
    isTaken = true;
    store(control, 0, 1);
    Atomics.notify(control, 0);
    Atomics.wait(control, 0, 1);
  };
  const fixed: Partial<Record<StopAt, number>> = { heap: HEAP_LOCK, directory: DIRECTORY_LOCK };
  const isLock = (index: number) =>
    fixed[at] === undefined
      ? at === "segment" && index * 4 > lanes + 64 * LANE_BYTES && (index * 4) % 16 === SEGMENT_LOCK % 16
      : index * 4 === fixed[at];
  Atomics.compareExchange = ((words: Int32Array, index: number, expected: number, value: number) => {
    const found = compareExchange(words, index, expected, value);
    if (words instanceof Int32Array && expected === 0 && found === 0 && isLock(index)) halt();
    return found;
  }) as typeof Atomics.compareExchange;
  Atomics.store = ((words: Int32Array, index: number, value: number) => {
    const stored = store(words, index, value);
    if (at === "pin" && value !== 0 && index * 4 >= lanes && (index * 4 - lanes) % LANE_BYTES === PIN) halt();
    return stored;
  }) as typeof Atomics.store;
  // Splits before long.
  for (let i = 0; i < 200; i++) map.set(`stopped ${i}`, i);
  map.close();
}
