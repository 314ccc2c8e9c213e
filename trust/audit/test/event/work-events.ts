/** Events for the tests, and clocks that do as they are told. */

import type { AuditEvent } from "@cupel/audit";
import type { Clock, WorkEvent } from "@cupel/base";

export function workEvent(changes: Partial<WorkEvent> = {}): WorkEvent {
  return {
    action: "INFER.REQUEST",
    severity: "INFO",
    subject: { id: "inspector", kind: "client", role: "infer" },
    object: { model: "resnet50", version: "3", sensitivity: "internal" },
    context: { face: "rest", ip: "203.0.113.7", geo: "CN-31", device: "camera-4", code: "OK" },
    ...changes,
  };
}

export function auditEvent(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    time: "2026-11-27T00:41:09.123456Z",
    writer: "main",
    seq: 0,
    severity: "INFO",
    action: "INFER.REQUEST",
    sub: { id: "inspector", kind: "client", role: "infer" },
    obj: { model: "resnet50", version: "3" },
    ctx: { face: "rest", ip: "203.0.113.7" },
    ...changes,
  };
}

/** Milliseconds; both may be set. */
export function settableClock(wall = Date.UTC(2026, 10, 27)) {
  const times = { wall, monotonic: 0 };
  const clock: Clock = { now: () => Math.floor(times.wall), monotonic: () => times.monotonic };
  return {
    clock,
    times,
    pass(ms: number) {
      times.wall += ms;
      times.monotonic += ms;
    },
  };
}
