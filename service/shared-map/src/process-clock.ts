/**
 * The clock of expiry: monotonic, and the same in all threads. The wall clock is neither: it is set back and forth.
 * `performance.now()` counts from when the thread was started, so each thread adds how far that is from the origin of
 * `process.hrtime()`, which is one for all: the kernel's (CLOCK_MONOTONIC on Linux, which rests while the machine
 * sleeps). Taking `hrtime` each time would cost three times as much.
 */
import type { Clock } from "@cupel/base";

const tries = 8;
const own = performance.now.bind(performance);

/** Milliseconds from the process's origin to this thread's; of several tries the one that was interrupted least. */
function offsetOf(): number {
  let offset = 0;
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < tries; i++) {
    const before = own();
    const [seconds, nanoseconds] = process.hrtime();
    const after = own();
    if (after - before >= shortest) continue;
    shortest = after - before;
    offset = seconds * 1000 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return offset;
}

const offset = offsetOf();

/** Whole milliseconds, so that a ttl that is one is told as one. */
export const processClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.floor(own() + offset),
};
