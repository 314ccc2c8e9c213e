/** The figures of the page, of what was counted in the last minute and of what is so now. */
import { countOf, meanOf, quantileOf } from "./distribution.ts";
import { isError, isWork, type Span } from "./history.ts";
import {
  added,
  type Distribution,
  distributionAt,
  everywhere,
  largestOf,
  type Snapshot,
  totalOf,
  totalsBy,
  type Where,
} from "./snapshot.ts";

/** Null where nothing says it. Times in ms. */
export interface LoadFigures {
  /** Requests a second. */
  readonly rate: number | null;
  /** Of requests, 0 to 1. */
  readonly errorShare: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly queued: number;
  /** Rows of a run, on average. */
  readonly rows: number | null;
  /** Of look-ups in the response cache, 0 to 1. */
  readonly hits: number | null;
}

/** @param span null before the second look */
export function loadFigures(latest: Snapshot, span: Span | null, where: Where = everywhere): LoadFigures {
  const count = (its: Where) => counted(span, "cupel_requests_total", its);
  const all = count((labels) => isWork(labels) && where(labels));
  const errors = count((labels) => isWork(labels) && isError(labels) && where(labels));
  const seconds = spread(span, "cupel_request_seconds", (labels) => isWork(labels) && where(labels));
  const lookUps = counted(span, "cupel_cache_total", where);
  const found = counted(
    span,
    "cupel_cache_total",
    (labels) => labels.get("outcome") !== "miss" && where(labels),
  );
  const inMs = (value: number | null) => (value === null ? null : value * 1000);
  return {
    rate: span && all / span.seconds,
    errorShare: all > 0 ? errors / all : null,
    p50: inMs(quantileOf(seconds, 0.5)),
    p90: inMs(quantileOf(seconds, 0.9)),
    p99: inMs(quantileOf(seconds, 0.99)),
    queued: totalOf(latest, "cupel_queued_requests", where),
    rows: meanOf(spread(span, "cupel_batch_rows", where)),
    hits: lookUps > 0 ? found / lookUps : null,
  };
}

export interface StageFigures {
  readonly stage: string;
  readonly requests: number;
  /** Milliseconds. */
  readonly mean: number | null;
  readonly p99: number | null;
}

/** In the order in which a request passes them. */
const stages = ["decode", "queue", "batch", "run", "encode"];

export function stageFigures(span: Span | null, where: Where = everywhere): StageFigures[] {
  return stages.map((stage) => {
    const found = spread(
      span,
      "cupel_stage_seconds",
      (labels) => labels.get("stage") === stage && where(labels),
    );
    const [mean, p99] = [meanOf(found), quantileOf(found, 0.99)];
    return { stage, requests: countOf(found), mean: mean && mean * 1000, p99: p99 && p99 * 1000 };
  });
}

export function batchSpread(span: Span | null, where: Where = everywhere): Distribution {
  return spread(span, "cupel_batch_rows", where);
}

export interface ErrorFigures {
  readonly code: string;
  /** Since the server started. */
  readonly all: number;
  /** Null before the second look. */
  readonly lately: number | null;
}

/** Of every action; what happened most lately first. */
export function errorFigures(latest: Snapshot, span: Span | null): ErrorFigures[] {
  const name = "cupel_requests_total";
  const before = span && totalsBy(span.before, name, "code", isError);
  return [...totalsBy(latest, name, "code", isError)]
    .map(([code, all]) => ({ code, all, lately: before && Math.max(0, all - (before.get(code) ?? 0)) }))
    .filter(({ all }) => all > 0)
    .sort((a, b) => (b.lately ?? 0) - (a.lately ?? 0) || b.all - a.all || (a.code < b.code ? -1 : 1));
}

export type BreakerState = "closed" | "half open" | "open";
const breakerStates: readonly BreakerState[] = ["closed", "half open", "open"];

/** Null where the version has none yet. */
export function breakerState(latest: Snapshot, where: Where): BreakerState | null {
  const state = largestOf(latest, "cupel_breaker_state", where);
  return state === null ? null : (breakerStates[state] ?? null);
}

export interface MachineFigures {
  readonly inFlight: number;
  /** Bytes, of all processes. */
  readonly memory: number;
  readonly processes: number;
  /** Processor cores in use; null before the second look. */
  readonly cores: number | null;
}

export function machineFigures(latest: Snapshot, span: Span | null): MachineFigures {
  return {
    inFlight: totalOf(latest, "cupel_in_flight_requests"),
    memory: totalOf(latest, "process_resident_memory_bytes"),
    processes: Math.max(1, totalOf(latest, "cupel_processes")),
    cores: span && counted(span, "process_cpu_seconds_total", everywhere) / span.seconds,
  };
}

function counted(span: Span | null, name: string, where: Where): number {
  if (span === null) return 0;
  return Math.max(0, totalOf(span.now, name, where) - totalOf(span.before, name, where));
}

const none: Distribution = { bounds: [], counts: [], sum: 0 };

function spread(span: Span | null, name: string, where: Where): Distribution {
  if (span === null) return none;
  return added(distributionAt(span.now, name, where), distributionAt(span.before, name, where));
}
