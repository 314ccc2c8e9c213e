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

/** Resolves when all processes have ended. @returns the largest exit status of those that ended by themselves before they were ready */
export async function supervise({ count, signal, ended, ready }: SuperviseOptions): Promise<number> {
  using _ = collectFromWorkers();
  const running = new Set<Worker>();
  const stop = () => {
    for (const worker of running) worker.process.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const statuses = await Promise.all(Array.from({ length: count }, () => keepOne()));
    return Math.max(...statuses);
  } finally {
    signal.removeEventListener("abort", stop);
  }

  /** One place: whoever dies in it is followed by the next. */
  async function keepOne(): Promise<number> {
    let pause = firstWait;
    let wasReady = false;
    while (!signal.aborted) {
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
      if (signal.aborted) return 0;
      // What never was ready would not be the next time either: a wrong configuration, a taken port.
      if (!wasReady) {
        stop();
        return status ?? 70;
      }
      ended({ pid: worker.process.pid ?? 0, status, signal: by });
      pause = performance.now() - started > healthyAfter ? firstWait : Math.min(2 * pause, longestWait);
      await wait(pause, undefined, { signal }).catch(() => undefined);
    }
    return 0;
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
