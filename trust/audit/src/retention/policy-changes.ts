/** How a policy differs from what the log has recorded of it, as the events that make the record true again. */
import type { WorkEvent } from "@cupel/base";
import { changeEvent, type RetentionStep, releaseEvent, setEvent } from "./retention-events.ts";
import type { RetentionHistory } from "./retention-history.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

export interface PolicyChange {
  readonly event: WorkEvent;
  readonly step: RetentionStep;
}

/** New holds come first. @param now milliseconds since 1970: a hold whose time is over is none */
export function policyChanges(
  { keep, holds }: RetentionPolicy,
  history: RetentionHistory,
  now: number,
): PolicyChange[] {
  const changes: PolicyChange[] = [];
  const recorded = new Map(history.inForce.map((hold) => [hold.id, hold]));
  const isOver = new Map(holds.map(({ id, until }) => [id, until !== undefined && Date.parse(until) <= now]));
  for (const hold of holds) {
    const { id, from = "", to = "" } = hold;
    const found = recorded.get(id);
    if (isOver.get(id) || (found?.from === from && found.to === to)) continue;
    // In place of the one of its name.
    changes.push({ event: setEvent(hold), step: { kind: "set", hold: { id, from, to } } });
  }
  for (const id of recorded.keys()) {
    const over = isOver.get(id);
    if (over === false) continue;
    changes.push({
      event: releaseEvent(id, over ? "until" : "released"),
      step: { kind: "release", id },
    });
  }
  const before = history.state.keep;
  if (keep !== before) {
    changes.push({ event: changeEvent(keep, before), step: { kind: "change", keep } });
  }
  return changes;
}
