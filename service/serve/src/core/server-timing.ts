/** Where the time of a request went, as the header Server-Timing says it (W3C Server Timing), in ms. */
import { type StageTimes, stages } from "./inference.ts";

export function serverTiming(times: StageTimes): string {
  return stages
    .flatMap((stage) => {
      const milliseconds = times[stage];
      return milliseconds === undefined ? [] : [`${stage};dur=${milliseconds.toFixed(3)}`];
    })
    .join(", ");
}
