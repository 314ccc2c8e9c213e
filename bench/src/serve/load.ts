/**
 * Load on a server: closed (so many callers, each asks again when it is answered) or open (requests arrive when they
 * arrive, as of many clients that do not know of each other). Latency of an open load is counted from the moment a
 * request was due, not from when it was sent: a generator or a server that is late does not hide it.
 */
import { createRandom } from "@cupel/base";
import { RawConnection } from "./raw-connection.ts";

export interface LoadPlan {
  readonly port: number;
  /** Whole requests, head and body, sent in turn. */
  readonly requests: readonly Uint8Array[];
  readonly durationMs: number;
  readonly arrivals:
    | { readonly kind: "closed"; readonly callers: number }
    | {
        readonly kind: "poisson";
        readonly perSecond: number;
        readonly seed: number;
        /** Open at most; a request that finds none free waits, which counts. */
        readonly connections: number;
      };
}

export interface LoadReport {
  readonly sent: number;
  /** By HTTP status; 0 where a connection ended without an answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Of answers with status 200, in ms, in the order of arrival. */
  readonly latencies: Float64Array;
  /** Answers with status 200 per second, over the time until the last answer. */
  readonly servedPerSecond: number;
  /** Refusals with status 429 or 503 that say when to come again. */
  readonly refusedWithRetryAfter: number;
  /** How late requests were sent that found a connection free, in ms: the 99th percentile. Of an open load. */
  readonly lagP99: number;
  /** Share of one core that the generator took. */
  readonly generatorShare: number;
}

export async function load({ port, requests, durationMs, arrivals }: LoadPlan): Promise<LoadReport> {
  const statuses = new Map<number, number>();
  const latencies: number[] = [];
  const lags: number[] = [];
  let sent = 0;
  let refusedWithRetryAfter = 0;
  const connections: RawConnection[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();

  async function ask(connection: RawConnection, dueAt: number): Promise<void> {
    const request = requests[sent++ % requests.length]!;
    const { status, retryAfter } = await connection.send(request);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 200) latencies.push(performance.now() - dueAt);
    if ((status === 429 || status === 503) && retryAfter !== null) refusedWithRetryAfter++;
  }

  const opened = (): RawConnection => {
    const connection = new RawConnection(port);
    connections.push(connection);
    return connection;
  };

  if (arrivals.kind === "closed") {
    const caller = async () => {
      let connection = opened();
      while (performance.now() - started < durationMs) {
        if (!connection.isOpen) connection = opened();
        await ask(connection, performance.now());
      }
    };
    await Promise.all(Array.from({ length: arrivals.callers }, caller));
  } else {
    const { perSecond, seed } = arrivals;
    const random = createRandom(seed);
    const free: RawConnection[] = [];
    const waiting: number[] = [];
    let inHand = 0;
    const begin = (connection: RawConnection, dueAt: number) => {
      inHand++;
      void ask(connection, dueAt).then(() => {
        inHand--;
        const next = waiting.shift();
        const again = connection.isOpen ? connection : null;
        if (next !== undefined) begin(again ?? opened(), next);
        else if (again) free.push(again);
      });
    };
    let dueAt = started;
    while (dueAt - started < durationMs) {
      while (performance.now() < dueAt) await new Promise(setImmediate);
      const openNow = free.length + inHand;
      const connection = free.pop() ?? (openNow < arrivals.connections ? opened() : null);
      if (connection === null) waiting.push(dueAt);
      else {
        lags.push(performance.now() - dueAt);
        begin(connection, dueAt);
      }
      dueAt += (-Math.log(1 - random.uniform()) / perSecond) * 1000;
    }
    while (inHand > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const tookMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of connections) connection.close();
  lags.sort((a, b) => a - b);
  return {
    sent,
    statuses: Object.fromEntries(statuses),
    latencies: Float64Array.from(latencies),
    servedPerSecond: ((statuses.get(200) ?? 0) / tookMs) * 1000,
    refusedWithRetryAfter,
    lagP99: lags[Math.floor(lags.length * 0.99)] ?? 0,
    generatorShare: (user + system) / 1000 / tookMs,
  };
}
