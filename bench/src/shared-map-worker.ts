/**
 * A thread of the scaling measurement. It has the shared maps and a Map of its own, and looks up keys of one of
 * them from when all threads are ready until it is told to stop.
 */
import { parentPort, workerData } from "node:worker_threads";
import { SharedMap, type SharedMapHandle } from "@cupel/shared-map";
import { openLmdb } from "./peer/lmdb-store.ts";
import { adoptSharedMapPeer } from "./peer/sharedmap.ts";
import { keySet } from "./shared-map-keys.ts";

export interface ScalingWorkerData {
  readonly handle: SharedMapHandle;
  readonly lmdbPath: string;
  readonly peer: object;
  readonly count: number;
  /** Word 0: threads that are ready; word 1: 1 to start, 2 to stop. */
  readonly control: Int32Array<SharedArrayBuffer>;
}

export type ReaderName = keyof typeof readers;

export interface ReaderResult {
  readonly operations: number;
  readonly hits: number;
  readonly milliseconds: number;
}

/** Looked up between two looks at the clock of the measurement. */
const block = 1024;

const { handle, lmdbPath, peer: receivedPeer, count, control }: ScalingWorkerData = workerData;
const { keys, lookups } = keySet(count);
const map = new Map(keys.map((key, i) => [key, i]));
const cupel = SharedMap.attach<string, number>(handle);
const lmdb = openLmdb<number>(lmdbPath, "msgpack");
const peer = adoptSharedMapPeer(receivedPeer);

/** What the control without memory multiplies on: odd, and so never 0. */
let state = 1;

/** Each returns the hits among the keys of a block. */
const readers = {
  "arithmetic, no map": () => {
    for (let i = 0; i < block * 16; i++) state = Math.imul(state, 1664525);
    return state === 0 ? 0 : block;
  },
  "Map get, one for each worker": (from: number) => {
    let hits = 0;
    for (let i = from; i < from + block; i++) if (map.get(lookups[i]!)! >= 0) hits++;
    return hits;
  },
  "Cupel has": (from: number) => {
    let hits = 0;
    for (let i = from; i < from + block; i++) if (cupel.has(lookups[i]!)) hits++;
    return hits;
  },
  "Cupel get number": (from: number) => {
    let hits = 0;
    for (let i = from; i < from + block; i++) if (cupel.get(lookups[i]!)! >= 0) hits++;
    return hits;
  },
  "lmdb get number": (from: number) => {
    let hits = 0;
    for (let i = from; i < from + block; i++) if (lmdb.get(lookups[i]!)! >= 0) hits++;
    return hits;
  },
  "sharedmap get number": (from: number) => {
    let hits = 0;
    for (let i = from; i < from + block; i++) if (Number(peer.get(lookups[i]!)) >= 0) hits++;
    return hits;
  },
};

/** @param from where in the order of lookups to begin: threads are not to walk in step. */
function measure(name: ReaderName, from: number): ReaderResult {
  const read = readers[name];
  Atomics.add(control, 0, 1);
  Atomics.notify(control, 0);
  Atomics.wait(control, 1, 0);
  const started = performance.now();
  let hits = 0;
  let operations = 0;
  for (let at = from; Atomics.load(control, 1) === 1; at = (at + block) % count) {
    hits += read(at);
    operations += block;
  }
  return { operations, hits, milliseconds: performance.now() - started };
}

parentPort?.on("message", (task: { readonly name: ReaderName; readonly from: number } | "close") => {
  if (task !== "close") return parentPort?.postMessage(measure(task.name, task.from));
  cupel.close();
  void lmdb.close().then(() => parentPort?.close());
});
parentPort?.postMessage("ready");
