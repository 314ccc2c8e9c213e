/** How late this thread's event loop is, by a timer of the runtime that sees each delay above its resolution. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { RingWriter } from "../ring-writer.ts";

/** Milliseconds. What is told is the delay beyond it. */
const resolution = 20;
const nanosecondsAMs = 1e6;

/** The window of an entry is as long as the loop made it: a loop that was blocked tells late, and of all of that time. */
export function watchLoop(writer: RingWriter, windowMs: number): Disposable {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let began = performance.now();
  let utilized = performance.eventLoopUtilization();
  const tell = () => {
    const now = performance.now();
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, utilized);
    // Without a delay in the window there is no figure.
    const ms = (nanoseconds: number) =>
      delays.count === 0 ? Number.NaN : Math.max(0, nanoseconds / nanosecondsAMs - resolution);
    writer.write(
      "loop",
      [
        now - began,
        ms(delays.mean),
        ms(delays.percentile(50)),
        ms(delays.percentile(99)),
        ms(delays.max),
        utilization,
      ],
      [],
    );
    began = now;
    utilized = current;
    delays.reset();
  };
  const timer = setInterval(tell, windowMs).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
