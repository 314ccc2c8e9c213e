/**
 * One scrape tells of all processes of a node:cluster. The process that is scraped asks the primary, the primary asks
 * every worker for what it measured, puts it together by the aggregation rule of each row, and answers with the text. A
 * worker that does not answer in time is left out but for its counters: `cupel_processes` says how many have answered.
 */
import cluster, { type Worker } from "node:cluster";
import { countersOf, createMetricWriter, type MetricSnapshot, mergeSnapshots } from "./metric-text.ts";
import type { Prometheus } from "./prometheus.ts";

/** How long the primary waits for its workers, in ms. */
const patience = 1_000;

type Message =
  | { readonly cupel: "collect-metrics"; readonly id: number }
  | { readonly cupel: "report-metrics"; readonly id: number }
  | { readonly cupel: "metrics-reported"; readonly id: number; readonly snapshot: MetricSnapshot }
  | { readonly cupel: "metrics-collected"; readonly id: number; readonly text: string };

/** All else that processes tell each other passes by. */
function isMessage(value: unknown): value is Message {
  return (
    typeof value === "object" &&
    value !== null &&
    "cupel" in value &&
    typeof value.cupel === "string" &&
    /^(collect-metrics|report-metrics|metrics-(reported|collected))$/.test(value.cupel)
  );
}

export interface CollectedMetrics extends Disposable {
  /** A process ended that was not asked to. @param cause the name of a signal, or "status N" */
  countEnded(cause: string): void;
}

/** One scrape: which processes it waits for, and what those said that have answered. */
interface Round {
  readonly waitsFor: Set<Worker>;
  readonly answered: Set<Worker>;
  done(): void;
}

/**
 * In the primary, for as long as it has workers. Two servers of one cluster share it. What a worker counted up to the last
 * scrape is kept when it is gone, and used when it does not answer: a counter never goes back.
 * @param counted what the primary counts itself
 */
export function collectFromWorkers(counted: () => MetricSnapshot = () => ({})): CollectedMetrics {
  const rounds = new Map<number, Round>();
  /** Of each worker that lives, what it said last. */
  const latest = new Map<Worker, MetricSnapshot>();
  let ofTheDead: MetricSnapshot = {};
  const ended = new Map<string, number>();
  const write = createMetricWriter();
  let last = 0;
  const collect = async (asker: Worker, id: number): Promise<void> => {
    const workers = Object.values(cluster.workers ?? {}).filter(
      (worker): worker is Worker => worker?.isConnected() === true,
    );
    const round = ++last;
    const { promise, resolve } = Promise.withResolvers<void>();
    const answered = new Set<Worker>();
    rounds.set(round, { waitsFor: new Set(workers), answered, done: resolve });
    const timer = setTimeout(resolve, patience);
    for (const worker of workers) post(worker, { cupel: "report-metrics", id: round });
    await promise;
    clearTimeout(timer);
    rounds.delete(round);
    const living = [...latest].map(([worker, snapshot]) =>
      answered.has(worker) ? snapshot : countersOf(snapshot),
    );
    const ownCounts: MetricSnapshot = {
      processesEnded: [...ended].map(([cause, count]) => [`cause="${cause}"`, [count]] as const),
    };
    const text = write(mergeSnapshots([...living, ofTheDead, ownCounts, counted()]));
    post(asker, { cupel: "metrics-collected", id, text });
  };
  const heard = ({ waitsFor, done }: Round, worker: Worker): void => {
    waitsFor.delete(worker);
    if (waitsFor.size === 0) done();
  };
  const onMessage = (worker: Worker, message: unknown): void => {
    if (!isMessage(message)) return;
    if (message.cupel === "collect-metrics") void collect(worker, message.id);
    if (message.cupel !== "metrics-reported") return;
    latest.set(worker, message.snapshot);
    const round = rounds.get(message.id);
    round?.answered.add(worker);
    if (round) heard(round, worker);
  };
  const onExit = (worker: Worker): void => {
    const said = latest.get(worker);
    latest.delete(worker);
    if (said) ofTheDead = mergeSnapshots([ofTheDead, countersOf(said)]);
    for (const round of rounds.values()) heard(round, worker);
  };
  cluster.on("message", onMessage);
  cluster.on("exit", onExit);
  return {
    countEnded: (cause) => void ended.set(cause, (ended.get(cause) ?? 0) + 1),
    [Symbol.dispose]() {
      cluster.off("message", onMessage);
      cluster.off("exit", onExit);
    },
  };
}

function post(worker: Worker, message: Message): void {
  // A worker that has just left is not asked; what waits for it is answered without it.
  if (worker.isConnected()) worker.send(message, () => {});
}

export interface ClusterMetrics extends Disposable {
  /** Of all processes; of this one where there is no primary to ask or it does not answer. */
  metricsText(): Promise<string>;
}

/** In each worker. In a process that is none, the text is its own. */
export function reportToPrimary(own: Prometheus): ClusterMetrics {
  if (!cluster.isWorker) return { metricsText: async () => own.metricsText(), [Symbol.dispose]() {} };
  const waiting = new Map<number, (text: string) => void>();
  let last = 0;
  const onMessage = (message: unknown): void => {
    if (!isMessage(message)) return;
    if (message.cupel === "report-metrics") {
      send({ cupel: "metrics-reported", id: message.id, snapshot: own.snapshot() });
    } else if (message.cupel === "metrics-collected") {
      waiting.get(message.id)?.(message.text);
    }
  };
  process.on("message", onMessage);
  return {
    async metricsText() {
      const id = ++last;
      const { promise, resolve } = Promise.withResolvers<string | null>();
      waiting.set(id, resolve);
      const timer = setTimeout(() => resolve(null), 2 * patience);
      try {
        send({ cupel: "collect-metrics", id });
        return (await promise) ?? own.metricsText();
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
    [Symbol.dispose]: () => void process.off("message", onMessage),
  };
}

function send(message: Message): void {
  // Without a channel the primary is gone, and with it whoever would read.
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}
