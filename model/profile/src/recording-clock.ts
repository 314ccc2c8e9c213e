/** The recording's clock: microseconds since it began, the same in every thread of the process. */
export interface RecordingClock {
  now(): number;
  /** The offset of the system's monotonic clock, which V8 reads as well on the systems we know. */
  readonly monotonicOffset: number;
}

export function startClock(): RecordingClock {
  const began = process.hrtime.bigint();
  return {
    now: () => Number(process.hrtime.bigint() - began) / 1000,
    monotonicOffset: -Number(began) / 1000,
  };
}
