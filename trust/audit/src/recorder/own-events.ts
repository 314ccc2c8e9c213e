/** What the recorder records about itself. */
import type { WorkEvent } from "@cupel/base";
import type { EventRefusal } from "../event/refusal.ts";
import type { TroubleCause } from "./recorder-metrics.ts";

const subject = { kind: "system", id: "recorder" } as const;

/** Facts: `count` of all, and a fact for each cause. */
export function dropEvent(dropped: ReadonlyMap<TroubleCause, number>): WorkEvent {
  const count = [...dropped.values()].reduce((sum, events) => sum + events, 0);
  const causes = Object.fromEntries([...dropped].map(([cause, events]) => [cause, String(events)]));
  return {
    action: "AUDIT.DROP",
    severity: "CRITICAL",
    subject,
    object: {},
    context: { count: String(count), ...causes },
  };
}

/** @param torn bytes that were set aside */
export function recoverEvent(torn: number): WorkEvent {
  return {
    action: "AUDIT.RECOVER",
    severity: "WARN",
    subject,
    object: {},
    context: { torn: String(torn) },
  };
}

export function clockEvent(byMs: number): WorkEvent {
  return {
    action: "AUDIT.CLOCK",
    severity: "WARN",
    subject,
    object: {},
    context: { by: String(Math.round(byMs)) },
  };
}

/** Characters: what is refused may be of any length. */
const longestPointer = 256;

/** It repeats the place and no value; the whole, its personal data hidden, is in quarantine where `isKept`. */
export function refuseEvent({ kind, pointer, keyword }: EventRefusal, isKept: boolean): WorkEvent {
  return {
    action: "AUDIT.REFUSE",
    severity: "ERROR",
    subject,
    object: {},
    context: { refusal: kind, pointer: pointer.slice(0, longestPointer), keyword, kept: String(isKept) },
  };
}
