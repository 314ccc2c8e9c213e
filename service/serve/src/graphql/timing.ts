/** Where the time of runs went, for `extensions.timing`: the stages of Server-Timing, in ms. */
import { type StageTimes, stages } from "../core/inference.ts";
import type { Operation } from "./operation.ts";

export interface ToldRun extends StageTimes {
  /** Response names from the root. */
  readonly path: string;
}

/** Of the runs that were answered since the last time; null where nobody asks, or nothing ran. */
export function toldTiming({ timing }: Operation): { readonly runs: readonly ToldRun[] } | null {
  if (timing === null || timing.length === 0) return null;
  const runs = timing.splice(0).map(({ path, times }) => {
    const known = stages.flatMap((stage) => {
      const ms = times[stage];
      return ms === undefined ? [] : [[stage, Math.round(ms * 1000) / 1000] as const];
    });
    return { path, ...Object.fromEntries(known) };
  });
  return { runs };
}
