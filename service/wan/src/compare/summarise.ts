/** What the runs of a cell come to: medians over rounds with 95 % intervals. Pure. */
import { type MedianInterval, medianInterval, quantile } from "@cupel/base";
import { deadlines } from "../load/run-load.ts";
import type { Cell } from "../scenario/scenario.ts";
import type { MeasuredRun } from "./measure-run.ts";
import { lagLimitMs } from "./rate-search.ts";
import type { ComparedLink } from "./run-comparison.ts";

export interface CellSummary {
  readonly cell: Cell;
  readonly runs: number;
  /** ms, but for what is named otherwise. */
  readonly mean: MedianInterval;
  readonly p50: MedianInterval;
  readonly p90: MedianInterval;
  readonly p99: MedianInterval;
  readonly p999: MedianInterval;
  readonly firstByteP50: MedianInterval;
  /** Shares of all requests of all runs: without a good answer, and by their causes. */
  readonly failed: number;
  readonly causes: Readonly<Record<string, number>>;
  /** Of each deadline, ms, the median share that has no good answer by then. */
  readonly missed: readonly (readonly [number, number])[];
  /** Answered well, a second of the counted time. */
  readonly carriedPerSecond: MedianInterval;
  readonly lagP99: MedianInterval;
  /** Whether requests were sent when they were due: at the 99th percentile, within a millisecond. */
  readonly isPunctual: boolean;
  /** A request, both ways, with all headers and what was sent again; null where the kernel did not count it alone. */
  readonly bytes: number | null;
  readonly packets: number | null;
  /** Connections that a run began, those of its warm-up and those that came to nothing among them. */
  readonly connections: number | null;
  /** Of these, begun after the warm-up. */
  readonly connectionsLater: number | null;
  /** Of all that was sent after the warm-up, second sends too: the share that needed no new connection. */
  readonly reuse: number | null;
  readonly extraSends: number;
  /** Of processor time, ms a request: the generator's, and the server's. */
  readonly clientCpuMs: number;
  readonly serverCpuMs: number;
}

export function summarise(cells: readonly Cell[], { runs }: ComparedLink): readonly CellSummary[] {
  return cells.flatMap((cell, index) => {
    const own = runs.filter((run) => run.cell === index);
    return own.length === 0 ? [] : [summariseCell(cell, own)];
  });
}

function summariseCell(cell: Cell, runs: readonly MeasuredRun[]): CellSummary {
  const of = (figure: (run: MeasuredRun) => number | undefined): MedianInterval =>
    medianInterval(runs.map((run) => figure(run) ?? Number.NaN));
  const sum = (figure: (run: MeasuredRun) => number): number =>
    runs.reduce((total, run) => total + figure(run), 0);
  const requests = sum(({ load }) => load.requests);
  const networks = runs.map(({ load }) => load.network).filter((each) => each !== null);
  const perRequest = (figure: (each: (typeof networks)[number]) => number): number | null =>
    networks.length < runs.length
      ? null
      : networks.reduce((total, each) => total + figure(each), 0) / requests;
  const opened = runs.map(({ load }) => load.connections).filter((each) => each !== null);
  const connections = opened.length < runs.length ? null : median(opened);
  const extraSends = sum(({ load }) => load.extraSends);
  const later = networks.map((each) => each.connections);
  const isCounted = networks.length === runs.length;
  const causes = Object.fromEntries(
    (["deadline", "reset", "status", "breaker", "other"] as const).map((cause) => [
      cause,
      sum(({ load }) => load.outcomes[cause]) / requests,
    ]),
  );
  const lagP99 = of(({ load }) => load.lag?.p99);
  return {
    cell,
    runs: runs.length,
    mean: of(({ load }) => load.latency?.mean),
    p50: of(({ load }) => load.latency?.p50),
    p90: of(({ load }) => load.latency?.p90),
    p99: of(({ load }) => load.latency?.p99),
    p999: of(({ load }) => load.latency?.p999),
    firstByteP50: of(({ load }) => load.firstByte?.p50),
    failed: 1 - sum(({ load }) => load.outcomes.ok) / requests,
    causes,
    missed: deadlines.map((deadline, i) => [
      deadline,
      median(runs.map(({ load }) => load.missed[i]?.[1] ?? 1)),
    ]),
    carriedPerSecond: of(({ load }) => load.outcomes.ok / load.seconds),
    lagP99,
    isPunctual: lagP99.value <= lagLimitMs,
    bytes: perRequest((each) => each.sentBytes + each.receivedBytes),
    packets: perRequest((each) => each.sentPackets + each.receivedPackets),
    connections,
    connectionsLater: isCounted ? median(later) : null,
    reuse: isCounted
      ? Math.max(0, 1 - later.reduce((total, each) => total + each, 0) / (requests + extraSends))
      : null,
    extraSends: extraSends / requests,
    clientCpuMs: (1000 * sum(({ load }) => load.cpuSeconds)) / requests,
    serverCpuMs: (1000 * sum(({ serverCpuSeconds }) => serverCpuSeconds)) / sum(({ load }) => load.sent),
  };
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
