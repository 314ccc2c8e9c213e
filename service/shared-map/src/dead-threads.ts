/**
 * What a thread leaves when it ends without closing its maps, by `terminate()` above all: a lane, memory it had
 * in hand, perhaps a lock. The thread that started it learns of the end and recovers that, for every map that
 * it has open itself.
 */
import type { Worker } from "node:worker_threads";

/** By their ids. */
export type DeadThreads = ReadonlySet<number>;

interface Recoverer {
  /** Recovers what the threads held. Returns those that have to wait for another dead thread's lock. */
  recover(threads: DeadThreads): DeadThreads;
}

/** Maps open in this thread. A map that nobody refers to any more is not kept for this. */
const openMaps = new Set<WeakRef<Recoverer>>();
const watched = new WeakSet<Worker>();
const retryAfterMs = 20;

export function register(map: Recoverer): { unregister(): void } {
  const reference = new WeakRef(map);
  openMaps.add(reference);
  return { unregister: () => openMaps.delete(reference) };
}

/** Watches one worker; those that this thread starts from now on are watched anyhow. */
export function watch(worker: Worker): void {
  if (watched.has(worker)) return;
  watched.add(worker);
  // After it has ended, a worker does not know its id any more.
  const thread = worker.threadId;
  worker.once("exit", () => bury(thread));
}

const dead = new Set<number>();

/** Threads often end together, and one may hold a lock that another's recovery needs: first hear of all. */
function bury(thread: number): void {
  if (dead.size === 0) setImmediate(recoverAll);
  dead.add(thread);
}

function recoverAll(): void {
  const threads = new Set(dead);
  dead.clear();
  for (const reference of openMaps) {
    const map = reference.deref();
    if (map === undefined) openMaps.delete(reference);
    else for (const thread of map.recover(threads)) dead.add(thread);
  }
  if (dead.size > 0) setTimeout(recoverAll, retryAfterMs);
}

process.on("worker", watch);
