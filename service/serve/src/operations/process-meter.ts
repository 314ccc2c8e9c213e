/** What a scrape tells of the process itself: lateness of its event loop, memory, processor time. Read when asked. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Instruments } from "./instruments.ts";

export interface ProcessMeter extends Disposable {
  /** Writes what was measured since the last time into the instruments. */
  measure(): void;
}

/** The sampler wakes this often, in ms, and calls what exceeds it lateness. */
const resolution = 10;
const quantiles = [
  ["0.5", 50],
  ["0.99", 99],
  ["1", 100],
] as const;

export function measureProcess(instruments: Instruments): ProcessMeter {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let cpuMicros = 0;
  return {
    measure() {
      for (const [quantile, percent] of quantiles) {
        const lag = delays.count === 0 ? 0 : delays.percentile(percent) / 1e9 - resolution / 1000;
        instruments.set("loopLag", { quantile }, Math.max(0, lag));
      }
      delays.reset();
      const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      instruments.set("residentMemory", {}, rss);
      for (const [kind, bytes] of Object.entries({ heapUsed, heapTotal, external, arrayBuffers })) {
        instruments.set("memory", { kind }, bytes);
      }
      const { user, system } = process.cpuUsage();
      instruments.count("cpuSeconds", {}, Math.max(0, user + system - cpuMicros) / 1e6);
      cpuMicros = user + system;
      instruments.set("startTime", {}, performance.timeOrigin / 1000);
      instruments.set("activeResources", {}, process.getActiveResourcesInfo().length);
      instruments.set("processes", {}, 1);
    },
    [Symbol.dispose]: () => delays.disable(),
  };
}
