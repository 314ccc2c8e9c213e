/** When requests are due: fixed before the run, so that a slow server cannot thin out what it is asked. */
import { createRandom } from "@cupel/base";

export interface ScheduleSpec {
  /** Constant: at equal steps. Poisson: as from many callers who know nothing of each other. */
  readonly law: "constant" | "poisson";
  readonly perSecond: number;
  readonly durationMs: number;
  /** Of Poisson. */
  readonly seed: number;
}

/** Ascending, in ms from the start of the run, below its duration. */
export function makeSchedule({ law, perSecond, durationMs, seed }: ScheduleSpec): Float64Array {
  const stepMs = 1000 / perSecond;
  if (law === "constant")
    return Float64Array.from({ length: Math.ceil(durationMs / stepMs) }, (_, i) => i * stepMs);
  const random = createRandom(seed);
  const times: number[] = [];
  for (let at = 0; ; ) {
    at -= stepMs * Math.log(1 - random.uniform());
    if (at >= durationMs) return Float64Array.from(times);
    times.push(at);
  }
}
