/** The failures of the audit record: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

export const auditErrors = defineErrors({
  EVENT_INVALID: {
    meaning: "An event does not conform to the schema of the record.",
    ...failures.badRequest,
  },
  EVENT_SCHEMA_INVALID: {
    meaning: "A schema that events were to be checked against is none, or of a draft that is not supported.",
    ...failures.badData,
  },
});

export type AuditErrorCode = keyof typeof auditErrors.specs;
