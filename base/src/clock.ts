/** Time as a parameter, so that pure code stays pure and tests decide what time it is. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic, milliseconds since an arbitrary origin; for durations. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
