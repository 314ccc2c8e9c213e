/** Who is told of every request once it is over: logs, traces, metrics. Called in order; must not throw and not wait. */
import type { CupelError } from "@cupel/base";
import type { Arrival } from "../core/admission.ts";
import type { Call } from "../core/call.ts";

export interface RequestObserver {
  /** @param elapsedMs from its arrival until its call was disposed */
  answered(arrival: Arrival, call: Call, elapsedMs: number): void;
  /** At the door: no call was made of it. */
  refused(arrival: Arrival, error: CupelError, elapsedMs: number): void;
}
