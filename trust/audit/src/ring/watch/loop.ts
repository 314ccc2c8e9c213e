/**
 * How late this thread's event loop is. `monitorEventLoopDelay` would be the runtime's own way, but it forgets at each `reset()` when its
 * timer last ran, and with that a delay that lasts over the end of a window, which the longest do.
 */
import { createHistogram } from "node:perf_hooks";
import type { RingWriter } from "../ring-writer.ts";

/** Milliseconds between two looks. What is told is by how much a look came later. */
const lookMs = 20;
/** Histograms take whole numbers. */
const unitsAMs = 1000;

/** The window of an entry is as long as the loop made it: a loop that was blocked tells late, and of all of that time. */
export function watchLoop(writer: RingWriter, windowMs: number): Disposable {
  const delays = createHistogram();
  let looked = performance.now();
  let began = looked;
  let utilized = performance.eventLoopUtilization();
  const tell = (now: number) => {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, utilized);
    const ms = (units: number) => units / unitsAMs;
    const { mean, max } = delays;
    const [p50, p99] = [delays.percentile(50), delays.percentile(99)];
    writer.write("loop", [now - began, ms(mean), ms(p50), ms(p99), ms(max), utilization], []);
    began = now;
    utilized = current;
    delays.reset();
  };
  const timer = setInterval(() => {
    const now = performance.now();
    // It takes numbers above 0 alone.
    delays.record(Math.max(1, Math.round(unitsAMs * (now - looked - lookMs))));
    looked = now;
    if (now - began >= windowMs) tell(now);
  }, lookMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
