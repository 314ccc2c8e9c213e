/** Threads that fetch, for tests that count who loads. */
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type MapKey, SharedMap, type SharedMapHandle } from "../../src/index.ts";

type Kind = "values" | "failure" | "hang";

interface FetchingData {
  readonly handle: SharedMapHandle;
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly kind: Kind;
}

/** Word 0: loaders called; word 1: those that run; word 2: the most that ran at a time. */
export function control(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(12));
}

/** Resolves when the thread waits for "go". */
export async function startFetching(
  handle: SharedMapHandle,
  state: Int32Array<SharedArrayBuffer>,
  kind: Kind,
): Promise<{ worker: Worker; done: Promise<unknown> }> {
  const fetching: FetchingData = { handle, state, kind };
  const worker = new Worker(new URL(import.meta.url), { workerData: { fetching } });
  await once(worker, "message");
  const done = Promise.race([
    once(worker, "message").then(([result]) => result),
    once(worker, "error").then(([error]) => Promise.reject(error)),
  ]);
  done.catch(() => {});
  return { worker, done };
}

if (!isMainThread && workerData?.fetching) {
  const { handle, state, kind }: FetchingData = workerData.fetching;
  parentPort?.once("message", async () => {
    using map = SharedMap.attach<MapKey, unknown>(handle);
    const result = await run(map, state, kind);
    parentPort?.postMessage(result);
  });
  parentPort?.postMessage("ready");
}

async function run(
  map: SharedMap<MapKey, unknown>,
  state: Int32Array<SharedArrayBuffer>,
  kind: Kind,
): Promise<unknown> {
  const loader = async (key: MapKey): Promise<unknown> => {
    Atomics.add(state, 0, 1);
    const running = Atomics.add(state, 1, 1) + 1;
    if (running > Atomics.load(state, 2)) Atomics.store(state, 2, running);
    // Nothing else keeps the thread's event loop alive.
    await new Promise((resolve) => setTimeout(resolve, kind === "hang" ? 60_000 : 10));
    Atomics.add(state, 1, -1);
    if (kind === "failure") throw new Error("refused");
    return key;
  };
  const count = kind === "values" ? 50 : 1;
  const keys = Array.from({ length: count }, (_, i) => `value ${i}`);
  if (kind !== "failure") return Promise.all(keys.map((key) => map.fetch(key, loader)));
  const settled = await Promise.allSettled([1, 2].map(() => map.fetch("failing", loader)));
  return settled.map((one) => (one.status === "rejected" ? one.reason.message : one.value));
}
