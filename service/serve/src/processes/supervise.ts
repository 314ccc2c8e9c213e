/**
 * More processes that share one port, by node:cluster: the process that supervises starts the same command again in
 * each and owns nothing but them. Caches, limits and rates are each process's own; metrics are put together when they
 * are read. One that dies is started again, after a while that doubles with every death that follows soon.
 */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { collectFromWorkers } from "../operations/cluster-metrics.ts";

export interface SuperviseOptions {
  readonly count: number;
  /** Asks every process to stop as SIGTERM does; resolved when they have ended. */
  readonly signal: AbortSignal;
  /** A process ended that was not asked to; it is started again. */
  ended(what: { readonly pid: number; readonly status: number | null; readonly signal: string | null }): void;
  /** What the process said in its first message; called for each, again for those started again. */
  ready(message: unknown, pid: number): void;
}

/** Of the first death; and no wait is longer than the last, in ms. */
const firstWait = 100;
const longestWait = 10_000;
/** A process that lived longer has recovered. */
const healthyAfter = 30_000;

/** Resolves when all processes have ended. @returns the exit status of the first that ended by itself before it was ready; 0 where none did */
export async function supervise({ count, signal, ended, ready }: SuperviseOptions): Promise<number> {
  using _ = collectFromWorkers();
  // The standard output is this process's own: a result that a program reads is not mixed with theirs.
  cluster.setupPrimary({ stdio: ["ignore", 2, 2, "ipc"] });
  const running = new Set<Worker>();
  /** Once it is not null, all are asked to stop and none is started again. */
  let failure: number | null = null;
  const stop = () => {
    for (const worker of running) worker.process.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.all(Array.from({ length: count }, () => keepOne()));
    return failure ?? 0;
  } finally {
    signal.removeEventListener("abort", stop);
  }

  /** One place: whoever dies in it is followed by the next. */
  async function keepOne(): Promise<void> {
    let pause = firstWait;
    let wasReady = false;
    while (!signal.aborted && failure === null) {
      const worker = cluster.fork();
      running.add(worker);
      const started = performance.now();
      worker.once("message", (message: unknown) => {
        wasReady = true;
        ready(message, worker.process.pid ?? 0);
      });
      const [status, by]: [number | null, string | null] = await once(worker, "exit").then(([a, b]) => [
        a,
        b,
      ]);
      running.delete(worker);
      if (signal.aborted || failure !== null) return;
      // What never was ready would not be the next time either: a wrong configuration, a taken port.
      if (!wasReady) {
        failure = status ?? 70;
        stop();
        return;
      }
      ended({ pid: worker.process.pid ?? 0, status, signal: by });
      pause = performance.now() - started > healthyAfter ? firstWait : Math.min(2 * pause, longestWait);
      await wait(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Whether this process is one of those. */
export function isSupervised(): boolean {
  return cluster.isWorker;
}

/** Of a supervised process: says that it serves, and calls back when the process that supervises is gone. */
export function tellSupervisor(message: unknown, gone: () => void): void {
  process.send?.(message);
  process.once("disconnect", gone);
}

/**
 * Of a process that is done, supervised or not: the channel to the process that supervises no longer keeps it alive, so
 * that it ends, and with its own status.
 */
export function leaveSupervisor(): void {
  process.channel?.unref();
}
