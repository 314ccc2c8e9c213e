/** The header Server-Timing as stages and milliseconds (W3C Server Timing). */

export interface TimedStage {
  readonly stage: string;
  readonly ms: number;
}

export function readServerTiming(header: string | null): TimedStage[] {
  return (header ?? "").split(",").flatMap((entry) => {
    const [stage = "", ...parameters] = entry.split(";").map((part) => part.trim());
    const duration = parameters.find((each) => each.startsWith("dur="))?.slice(4) ?? "";
    const ms = Number(duration);
    return stage === "" || duration === "" || !Number.isFinite(ms) ? [] : [{ stage, ms }];
  });
}
