// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export type { AuditEvent } from "./audit-event.ts";
export { type AuditErrorCode, auditErrors } from "./errors.ts";
export { type Action, type ActionCode, actionCodes, actionOf } from "./event/actions.ts";
export { checkEvent } from "./event/check-event.ts";
export { eventSchema } from "./event/event-schema.ts";
export { lineOf, lineRefusal, longestLine } from "./event/line.ts";
export type { EventRefusal } from "./event/refusal.ts";
export { createEventStamper, type EventStamper, type EventStamperOptions } from "./event/stamp.ts";
export { type SubjectKind, subjectKinds } from "./event/subject-kinds.ts";
