/**
 * What changes in environments, as a stream: snapshots one after the other, each compared with the last that was told of. A change that is
 * smaller than the smallest of interest is not lost: what it is compared with stays, so that small changes add up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errorFrom } from "@cupel/base";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { diffSnapshots, type EnvironmentDifference } from "./diff-snapshots.ts";

export interface SmallestChange {
  /** Variables that differ. Default 1. */
  readonly variables?: number;
  /** Bytes by which lengths differ, summed; what comes or goes counts whole. Default 0: also a value of the same length. */
  readonly bytes?: number;
}

export interface EnvironmentChange {
  /** Milliseconds since the epoch, of the snapshot that showed it. */
  readonly at: number;
  readonly differences: readonly EnvironmentDifference[];
}

/** The two together are larger than, or as large as, what is of interest. */
export function isLargeEnough(
  differences: readonly EnvironmentDifference[],
  { variables = 1, bytes = 0 }: SmallestChange = {},
): boolean {
  const moved = differences.reduce(
    (sum, { first, second }) => sum + Math.abs((second?.length ?? 0) - (first?.length ?? 0)),
    0,
  );
  return differences.length >= Math.max(1, variables) && moved >= bytes;
}

export interface WatchOptions extends SmallestChange {
  /** Gives an environment as it is now; what it throws ends the stream. */
  readonly take: () => Promise<Snapshot>;
  /** What the first is compared with. Default: the first that is taken. */
  readonly since?: Snapshot | undefined;
  /** Milliseconds between snapshots. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  /** Default: waits so many milliseconds; ends early with the signal. */
  readonly wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Null at each look that shows no change: time goes on for whoever counts. Ends when the signal does. @throws what `take` throws */
export async function* watchEnvironment(options: WatchOptions): AsyncGenerator<EnvironmentChange | null> {
  const { take, intervalMs, signal, wait = pause } = options;
  let told = options.since ?? (await take());
  for (let isFirst = options.since !== undefined; !signal.aborted; isFirst = false) {
    if (!isFirst) await wait(intervalMs, signal);
    if (signal.aborted) return;
    const now = await take();
    const { differences } = diffSnapshots(told, now);
    const isTold = isLargeEnough(differences, options);
    if (isTold) told = now;
    yield isTold ? { at: now.takenAt, differences } : null;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (thrown) {
    if (errorFrom(thrown).code !== "CANCELLED") throw thrown;
  }
}
