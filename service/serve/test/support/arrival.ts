/** Requests as they arrive, and a clock that tests move. */
import type { Clock } from "@cupel/base";
import type { Arrival } from "../../src/core/admission.ts";

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** @param start wall clock in ms */
export function manualClock(start = 1_800_000_000_000): ManualClock {
  let elapsed = 0;
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    advance(ms) {
      elapsed += ms;
    },
  };
}

export function arrival(
  headers: Readonly<Record<string, string>> = {},
  rest: Partial<Omit<Arrival, "header">> = {},
): Arrival {
  return {
    face: "rest",
    action: "infer",
    header: (name) => headers[name],
    peer: { address: "192.0.2.1" },
    left: new AbortController().signal,
    ...rest,
  };
}
