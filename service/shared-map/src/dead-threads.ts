/**
 * What a thread leaves when it ends without closing its maps, by `terminate()` above all: a lane, memory it had
 * in hand, perhaps a lock. Whoever needs that recovers it (`core/recover.ts`). So that it need not wait for that,
 * the thread that started the other one recovers it too when it hears of the end, for every map that it has open.
 */
import type { Worker } from "node:worker_threads";
import { noteEnd } from "./thread-identity.ts";

interface Recoverer {
  /** Recovers what threads held that have ended. */
  recoverDead(): void;
}

/** Maps open in this thread. A map that nobody refers to any more is not kept for this. */
const openMaps = new Set<WeakRef<Recoverer>>();
const watched = new WeakSet<Worker>();

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

let isDue = false;

/** Threads often end together, and one may hold a lock that another's recovery needs: first hear of all. */
function bury(thread: number): void {
  noteEnd(thread);
  if (!isDue) setImmediate(recoverAll);
  isDue = true;
}

function recoverAll(): void {
  isDue = false;
  for (const reference of openMaps) {
    const map = reference.deref();
    if (map === undefined) openMaps.delete(reference);
    else map.recoverDead();
  }
}

process.on("worker", watch);
