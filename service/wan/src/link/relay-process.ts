/** The process of the relay: its thread carries packets, and this one answers questions meanwhile. Perl begins it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { moduleBeside } from "@cupel/base";
import type { DirectionSpec } from "./direction.ts";
import { countersBytes, readCounters } from "./relay-counters.ts";
import type { RelayThreadData } from "./relay-thread.ts";
import { serveJob } from "./serve-job.ts";

export interface RelayJob {
  readonly specs: readonly [DirectionSpec, DirectionSpec];
  readonly seed: number;
}

await serveJob(async ({ specs, seed }: RelayJob, { signal, ready, onAsk }) => {
  // Of the TUN devices, as `open-tun.ts` hands them over.
  const [near = -1, far = -1] = (process.env.CUPEL_TUN ?? "").split(",").map(Number);
  const counters = new SharedArrayBuffer(countersBytes);
  const stop = new SharedArrayBuffer(4);
  const workerData: RelayThreadData = { descriptors: [near, far], specs, seed, counters, stop };
  const thread = new Worker(moduleBeside(import.meta.url, "relay-thread"), {
    name: "cupel-relay",
    workerData,
  });
  const ended = once(thread, "exit");
  await once(thread, "online");
  onAsk(() => readCounters(counters));
  ready(null);
  await Promise.race([
    ended,
    new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })),
  ]);
  if (!signal.aborted) throw new Error("The thread of the relay ended.");
  Atomics.store(new Int32Array(stop), 0, 1);
  Atomics.notify(new Int32Array(stop), 0);
  await ended;
  return readCounters(counters);
});
