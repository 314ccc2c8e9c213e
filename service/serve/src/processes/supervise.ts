/**
 * More processes that share one port, by node:cluster: the process that supervises starts the same command again in
 * each and owns nothing but them. Caches, limits and rates are each process's own; metrics are put together when they
 * are read, and models are kept the same (`coordinate`). One that dies is started again, after a while that doubles with
 * every death that follows soon.
 */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { type EventSink, silentSink } from "@cupel/base";
import type { DestinationStream } from "pino";
import { collectFromWorkers } from "../operations/cluster-metrics.ts";
import { createLogger } from "../operations/logger.ts";
import { recordSnapshot } from "../operations/record-metrics.ts";
import { coordinate, post } from "./coordinate.ts";
import { watchHandedConnection } from "./handed-connection.ts";
import { keepHandedEvents } from "./handed-events.ts";
import { supervisedMark } from "./member.ts";

export interface SuperviseOptions {
  readonly count: number;
  /** Asks every process to stop; resolved when they have ended. */
  readonly signal: AbortSignal;
  /** Of all processes, which hand it their events by `handEvents`. Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Told of every process that ended and was not asked to. */
  readonly log: { readonly level: string; readonly destination?: DestinationStream | undefined };
  /** The process answers requests from now on; called for each, again for those started again. */
  ready(about: unknown, pid: number): void;
}

/** Of the first death; and no wait is longer than the last, in ms. */
const firstWait = 100;
const longestWait = 10_000;
/** A process that lived longer has recovered. */
const healthyAfter = 30_000;
/** One that has not ended so long after it was asked to is ended, in ms: more than it gives the requests in hand. */
const stopGrace = 45_000;

/** Resolves when all processes have ended. @returns the exit status of the first that ended by itself before any served; 0 where none did */
export async function supervise({
  count,
  signal,
  log,
  ready,
  sink = silentSink,
}: SuperviseOptions): Promise<number> {
  const logger = createLogger(log);
  using metrics = collectFromWorkers(() => recordSnapshot(sink));
  using _ = keepHandedEvents(sink);
  using coordination = coordinate({
    count,
    serves: (worker, about) => ready(about, worker.process.pid ?? 0),
  });
  // The standard output is this process's own: a result that a program reads is not mixed with theirs.
  cluster.setupPrimary({ stdio: ["ignore", 2, 2, "ipc"], serialization: "advanced" });
  const running = new Set<Worker>();
  /** Once it is not null, all are asked to stop and none is started again. */
  let failure: number | null = null;
  let overdue: NodeJS.Timeout | undefined;
  const stop = () => {
    for (const worker of running) post(worker, { cupel: "stop" });
    overdue ??= setTimeout(() => {
      for (const worker of running) worker.process.kill("SIGKILL");
    }, stopGrace);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.all(Array.from({ length: count }, () => keepOne()));
    return failure ?? 0;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(overdue);
  }

  /** One place: whoever dies in it is followed by the next. */
  async function keepOne(): Promise<void> {
    let pause = firstWait;
    while (!signal.aborted && failure === null) {
      const worker = cluster.fork({ [supervisedMark]: "1" });
      const handed = watchHandedConnection(worker);
      running.add(worker);
      const started = performance.now();
      const [status, by]: [number | null, string | null] = await once(worker, "exit").then(([a, b]) => [
        a,
        b,
      ]);
      running.delete(worker);
      handed.drop();
      if (signal.aborted || failure !== null) return;
      // Where none ever served, none will the next time: a wrong configuration, a taken port.
      if (!coordination.hasServed) {
        failure = status ?? 70;
        stop();
        return;
      }
      metrics.countEnded(by ?? `status ${status}`);
      const pid = worker.process.pid ?? 0;
      logger.error({ pid, status, signal: by, nextInMs: pause }, "process ended");
      await wait(pause, undefined, { signal }).catch(() => undefined);
      pause = performance.now() - started > healthyAfter ? firstWait : Math.min(2 * pause, longestWait);
    }
  }
}
