/** An open loop: events come at their times, whatever became of those before, and each is timed from when it was due. */
import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "@cupel/base";
import { benchmarkEvent, type RecorderOf } from "./audit-work.ts";

export interface OfferedRate {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls that got no receipt. */
  readonly failed: number;
}

const lengthMs = 3000;

export async function offer({ recorder }: RecorderOf, eventsPerSecond: number): Promise<OfferedRate> {
  const total = (eventsPerSecond * lengthMs) / 1000;
  const times = new Float64Array(total);
  let failed = 0;
  const waiting: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) * eventsPerSecond) / 1000));
    for (; sent < due; sent++) {
      const at = sent;
      const dueAt = began + (at * 1000) / eventsPerSecond;
      waiting.push(
        recorder.record(benchmarkEvent(at)).then(
          () => {
            times[at] = performance.now() - dueAt;
          },
          () => {
            failed++;
            times[at] = Number.POSITIVE_INFINITY;
          },
        ),
      );
    }
    await pause(1);
  }
  await Promise.all(waiting);
  times.sort();
  return { eventsPerSecond, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), failed };
}
