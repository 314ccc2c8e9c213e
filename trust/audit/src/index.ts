// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export type { AuditEvent } from "./audit-event.ts";
export { type AuditErrorCode, auditErrors } from "./errors.ts";
export { type Action, type ActionCode, actionCodes, actionOf } from "./event/actions.ts";
export { checkEvent } from "./event/check-event.ts";
export { eventSchema, recordedEventSchema } from "./event/event-schema.ts";
export { type CloudEvent, cloudEventOf } from "./event/export/cloud-event.ts";
export { type OcsfEvent, ocsfOf } from "./event/export/ocsf.ts";
export { lineOf, lineRefusal, longestLine } from "./event/line.ts";
export {
  openQuarantine,
  type Quarantine,
  type QuarantineOptions,
  type RefusalAlert,
  type UnparsedBytes,
} from "./event/quarantine.ts";
export type { EventRefusal } from "./event/refusal.ts";
export { createRefusalCounts, type RefusalCount, type RefusalCounts } from "./event/refusal-counts.ts";
export { createEventStamper, type EventStamper, type EventStamperOptions } from "./event/stamp.ts";
export { type SubjectKind, subjectKinds } from "./event/subject-kinds.ts";
export { type EventVerdict, validateEvents } from "./event/validate/validate-events.ts";
