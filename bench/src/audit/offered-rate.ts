/** An open loop: events come at their times, whatever became of those before, and each is timed from when it was due. */
import { setTimeout as pause } from "node:timers/promises";
import { quantile, type WorkEvent } from "@cupel/base";
import type { RecorderOf } from "./audit-work.ts";

export interface OfferedRate {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls that got no receipt; the times are of the others. */
  readonly failed: number;
}

const lengthMs = 3000;

/** @param events recorded in turn */
export async function offer(
  { recorder }: RecorderOf,
  events: readonly WorkEvent[],
  eventsPerSecond: number,
): Promise<OfferedRate> {
  const total = (eventsPerSecond * lengthMs) / 1000;
  const times: number[] = [];
  let failed = 0;
  const waiting: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) * eventsPerSecond) / 1000));
    for (; sent < due; sent++) {
      const dueAt = began + (sent * 1000) / eventsPerSecond;
      waiting.push(
        recorder.record(events[sent % events.length]!).then(
          () => {
            times.push(performance.now() - dueAt);
          },
          () => {
            failed++;
          },
        ),
      );
    }
    await pause(1);
  }
  await Promise.all(waiting);
  times.sort((a, b) => a - b);
  return { eventsPerSecond, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), failed };
}
