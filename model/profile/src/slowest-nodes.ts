/** Where the time of the runs went, node by node, in words. */
import { summariseTrace } from "@cupel/runtime";
import { isKernel, isRun, kernelMacs, kernelName, nodeOf } from "./kernel.ts";
import type { EngineRecording } from "./recording.ts";

export interface SlowNode {
  readonly session: string;
  readonly node: string;
  readonly opType: string;
  /** Of the time of all counted runs of its session, 0 to 1. */
  readonly share: number;
  readonly totalMs: number;
  readonly msPerRun: number;
  /** Multiply-accumulates per second, 1e9; null where the operator has none or they are not known. */
  readonly gmacsPerSecond: number | null;
}

export interface SlowestOptions {
  /** How many. Default 10. */
  readonly count?: number | undefined;
}

/**
 * Over all sessions, slowest first. The first run of a session that ran more than once is left out: it
 * allocates, and pages in the weights.
 */
export function slowestNodes(engines: readonly EngineRecording[], options: SlowestOptions = {}): SlowNode[] {
  return engines
    .flatMap(nodesOf)
    .sort((a, b) => b.totalMs - a.totalMs)
    .slice(0, options.count ?? 10);
}

/** "Conv layer1.0.conv1: 18 % of the run, 3.1 ms per run, 41 GMAC/s" */
export function slowNodeText({ opType, node, share, msPerRun, gmacsPerSecond }: SlowNode): string {
  const label = node.startsWith(opType) ? node : `${opType} ${node}`;
  const speed = gmacsPerSecond === null ? [] : [`${digits(gmacsPerSecond)} GMAC/s`];
  return [`${label}: ${digits(100 * share)} % of the run`, `${digits(msPerRun)} ms per run`, ...speed].join(
    ", ",
  );
}

function nodesOf({ name: session, events }: EngineRecording): SlowNode[] {
  const runs = events.filter(isRun).sort((a, b) => a.ts - b.ts);
  const warmup = runs.length > 1 ? 1 : 0;
  const runMs = runs.slice(warmup).reduce((sum, { dur }) => sum + dur, 0) / 1000;
  const macs = new Map(events.filter(isKernel).map((event) => [nodeOf(event), kernelMacs(event)]));
  return summariseTrace(events, { warmup }).map(({ node, opType, totalMs, meanMs }) => {
    const count = macs.get(node) ?? null;
    return {
      session,
      node: kernelName(node),
      opType,
      share: runMs === 0 ? 0 : totalMs / runMs,
      totalMs,
      msPerRun: meanMs,
      gmacsPerSecond: count === null || meanMs === 0 ? null : count / 1e6 / meanMs,
    };
  });
}

/** Two digits, or all of the whole part. */
function digits(value: number): string {
  return value >= 9.95 ? value.toFixed(0) : Number(value.toPrecision(2)).toString();
}
