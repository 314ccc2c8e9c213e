/** The failures of the audit record: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

/** Data of a file whose path the message has. */
const badFile = { ...failures.badData, public: false } as const;

export const auditErrors = defineErrors({
  EVENT_INVALID: {
    meaning: "An event does not conform to the schema of the record.",
    ...failures.badRequest,
  },
  EVENT_SCHEMA_INVALID: {
    meaning: "A schema that events were to be checked against is none, or of a draft that is not supported.",
    ...failures.badData,
  },
  MASKING_POLICY_INVALID: {
    meaning: "The policy of masking has a mistake; its details say where, as a JSON pointer.",
    ...failures.usage,
  },
  RETENTION_POLICY_INVALID: {
    meaning:
      "The policy of retention, policy.json in the folder of a log, has a mistake; details.pointer says where. Nothing is removed meanwhile.",
    ...failures.badData,
  },
  HOLD_IN_FORCE: {
    meaning: "A legal hold is in force, and what it may cover was to be destroyed.",
    ...failures.usage,
    http: 409,
    grpc: "FAILED_PRECONDITION",
  },
  HOLD_UNKNOWN: {
    meaning: "There is no legal hold of that name, or there is one already.",
    ...failures.usage,
  },
  CIPHER_REFUSED: {
    meaning:
      "A cipher that hides too little or is not known was named, or one that this Node.js does not have.",
    ...failures.usage,
  },
  MASKING_KEY_INVALID: {
    meaning: "A key of masking is missing, not known, not readable, or open to others.",
    ...failures.usage,
    public: false,
  },
  KEY_PROVIDER_UNAVAILABLE: {
    meaning: "Whoever keeps the keys of masking did not answer, or refused.",
    ...failures.unavailable,
    retryable: true,
  },
  SUBJECT_KEYS_DAMAGED: {
    meaning: "The file that tells which keys of subjects are erased, or under what they lie, cannot be read.",
    ...failures.defect,
    exit: 65,
  },
  KEY_INVALID: { meaning: "A text is not a key of signed notes.", ...failures.badData },
  KEY_UNKNOWN: {
    meaning:
      "None of the keys that signed is known here: what they signed can be neither confirmed nor called wrong.",
    ...badFile,
  },
  SIGNATURE_INVALID: {
    meaning: "A signature by a known key is not of what it stands under.",
    ...badFile,
  },
  NOTE_INVALID: { meaning: "A file is not a signed note.", ...badFile },
  LOG_CHECKPOINT_INVALID: { meaning: "The text of a signed note is not a checkpoint.", ...badFile },
  ORIGIN_MISMATCH: { meaning: "A checkpoint or proof is of another log.", ...badFile },
  ENTRY_TOO_LONG: {
    meaning: "An entry is longer than a bundle of entries can hold, 65,535 bytes.",
    ...failures.badRequest,
  },
  LOG_INVALID: { meaning: "A file of a log is not what its name says.", ...badFile },
  LOG_FILE_MISSING: { meaning: "A log lacks a file that its size demands.", ...failures.noInput },
  LOG_UNREADABLE: { meaning: "The system does not let a file of a log be read.", ...failures.noInput },
  PROOF_INVALID: { meaning: "A proof does not show what it claims.", ...badFile },
  PROOF_FILE_INVALID: {
    meaning: "A file is not the proof of an entry or of a log's growth.",
    ...badFile,
  },
  EVENT_UNKNOWN: { meaning: "A log has no event of that index or id.", ...failures.noInput },
  EVENT_NOT_COVERED: {
    meaning: "An event is recorded, and the checkpoint does not cover it yet.",
    ...failures.unavailable,
    exit: 75,
    retryable: true,
  },
  WITNESS_CONFLICT: {
    meaning:
      "A witness has seen another state of this log: it was changed or rolled back, or another one runs under its key.",
    ...badFile,
  },
  WITNESS_REFUSED: { meaning: "A witness refuses to cosign this log.", ...failures.unavailable },
  WITNESS_UNREACHABLE: {
    meaning: "A witness did not answer, or not as witnesses do.",
    ...failures.unavailable,
    retryable: true,
  },
  TIME_STAMP_INVALID: {
    meaning:
      "A reply of a time-stamping authority does not stamp what it should, or is not signed as it must be.",
    ...failures.badData,
  },
  TIME_STAMP_UNREACHABLE: {
    meaning: "A time-stamping authority did not answer.",
    ...failures.unavailable,
  },
  LOG_DAMAGED: {
    meaning: "Events of the record that were acknowledged are missing; nothing is recorded on top of it.",
    ...failures.unavailable,
    exit: 65,
  },
  LOG_TAMPERED: {
    meaning: "A log is not what was recorded: something in it was changed, removed or replaced.",
    ...badFile,
    exit: 3,
  },
  LOG_UNVERIFIABLE: {
    meaning:
      "Nothing contradicts a log, and a key is missing without which nobody can say that it is what was recorded.",
    ...badFile,
    exit: 4,
  },
  LOG_IN_USE: {
    meaning: "Another process writes this record; there is one writer a log.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 75,
    retryable: true,
    public: false,
  },
  RECORD_UNAVAILABLE: {
    meaning: "The event could not be recorded in the time allowed; it may still come to be recorded.",
    ...failures.unavailable,
    exit: 75,
    retryable: true,
  },
});

export type AuditErrorCode = keyof typeof auditErrors.specs;
