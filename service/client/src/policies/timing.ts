/** Time and chance, given from outside, so that every policy is tested without waiting. */
import { type Clock, systemClock } from "@cupel/base/portable";

export interface Timing {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** Resolves after so many ms; rejects with the signal's reason as soon as it fires. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemTiming: Timing = { clock: systemClock, random: Math.random, wait };

/** What a timer can wait, in ms. */
const longest = 2 ** 31 - 1;

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const end = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, longest));
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
  });
}
