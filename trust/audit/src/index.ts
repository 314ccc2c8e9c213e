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
export type { Compression } from "./journal/compress-segment.ts";
export { type Disk, systemDisk } from "./journal/disk.ts";
export { type JournalLines, readJournal } from "./journal/read-journal.ts";
export { followJournal, type JournalLine, type LastLines, lastLines } from "./journal/tail-journal.ts";
export { type CipherName, cipherNames } from "./keys/authenticated-cipher.ts";
export { openEnvironmentKeys } from "./keys/environment-keys.ts";
export { openFileKeys } from "./keys/file-keys.ts";
export type { SubjectKey, SubjectKeyReader } from "./keys/find-key.ts";
export { type HashName, hashNames } from "./keys/generations.ts";
export type { CopyOutcome } from "./keys/key-copies.ts";
export type { KeyProvider } from "./keys/key-provider.ts";
export { openSubjectKeyReader } from "./keys/key-reader.ts";
export { openPkcs11Keys, type Pkcs11Options } from "./keys/pkcs11-keys.ts";
export {
  type Erasure,
  openSubjectKeys,
  type SubjectKeys,
  type SubjectKeysOptions,
} from "./keys/subject-keys.ts";
export { openTransitKeys, type TransitOptions } from "./keys/transit-keys.ts";
export { type EraseSubjectOptions, eraseSubject, type SubjectErasure } from "./masking/erase-subject.ts";
export { type Masker, openMasker } from "./masking/masker.ts";
export { type MaskingPolicy, parsePolicy } from "./masking/policy.ts";
export { maskingPolicySchema } from "./masking/policy-schema.ts";
export type { Scrubber } from "./masking/scrub.ts";
export { type Unmasked, type UnmaskedField, unmask } from "./masking/unmask.ts";
export {
  type Checkpoint,
  type CheckpointKeys,
  checkpointText,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from "./note/checkpoint.ts";
export {
  formatNoteKey,
  formatNoteSigningKey,
  generateNoteKey,
  type NoteKey,
  type NoteKeyType,
  type NoteSigningKey,
  noteKeyOf,
  noteSigningKeyOf,
  parseNoteKey,
  parseNoteSigningKey,
} from "./note/note-key.ts";
export {
  type ConsistencyFile,
  formatConsistencyFile,
  formatInclusionFile,
  type InclusionFile,
  parseConsistencyFile,
  parseInclusionFile,
  verifyConsistencyFile,
  verifyInclusionFile,
} from "./note/proof-file.ts";
export {
  formatNote,
  type NoteSignature,
  openNote,
  parseNote,
  type SignedNote,
  signNote,
  type VerifiedSignature,
} from "./note/signed-note.ts";
export {
  checkpointDigest,
  requestTimeStamp,
  type TimeStamp,
  type TimeStampOptions,
  type TimeStampQuery,
  type TimeStampTrust,
  timeStampQuery,
  verifyTimeStamp,
} from "./note/time-stamp.ts";
export { cosign, type SubmitOptions, type Witness } from "./note/witness.ts";
export { type Authority, type WitnessedLog, type WitnessLogOptions, witnessLog } from "./note/witnessed.ts";
export { handOverReading, type Reading, readingActions } from "./reading/hand-over.ts";
export { type AuditContext, withAuditContext } from "./recorder/audit-context.ts";
export { type ConnectedRecorder, connectRecorder, serveRecorder } from "./recorder/connect-recorder.ts";
export type { DroppedReceipt, LoggedReceipt, Receipt, SpilledReceipt } from "./recorder/receipt.ts";
export {
  openRecorder,
  type Recorder,
  type RecorderAlert,
  type RecorderOptions,
  type RecordOptions,
} from "./recorder/recorder.ts";
export type { RecorderMetrics, TroubleCause } from "./recorder/recorder-metrics.ts";
export type { TroublePolicyName } from "./recorder/trouble-policy.ts";
export { parseDuration } from "./retention/duration.ts";
export { type PlanRetentionOptions, planRetention, type RetentionPlan } from "./retention/plan-retention.ts";
export type { RetentionMetrics } from "./retention/retention.ts";
export type { SegmentSpan, TimeRange } from "./retention/retention-events.ts";
export {
  changeRetentionPolicy,
  type LegalHold,
  parseRetentionPolicy,
  type RetentionPolicy,
  type RetentionPolicyInput,
  readRetentionPolicy,
  retentionPolicySchema,
} from "./retention/retention-policy.ts";
export { type FollowOptions, followRuntimeLog } from "./ring/follow-runtime-log.ts";
export type { RuntimeCounts } from "./ring/ring-collector.ts";
export { createRing, type RingHandle } from "./ring/ring-layout.ts";
export { RingReader, type RingVisitor, type RuntimeEntry } from "./ring/ring-reader.ts";
export { RingWriter } from "./ring/ring-writer.ts";
export { type NumbersOf, type RuntimeKind, runtimeKinds, type TextsOf } from "./ring/runtime-kinds.ts";
export { openRuntimeLog, type RuntimeLog, type RuntimeLogOptions } from "./ring/runtime-log.ts";
export { type WatchRuntimeOptions, watchRuntime } from "./ring/watch-runtime.ts";
export { type CheckTreeOptions, checkTree, type TreeFault, type TreeReport } from "./tree/check-tree.ts";
export { type Bundle, EntryBundles, LONGEST_ENTRY } from "./tree/entry-bundle.ts";
export {
  bundleFile,
  type DurableFolders,
  type LogFile,
  sm3TileFile,
  tileFile,
  writeCheckpoint,
  writeLogFiles,
} from "./tree/log-files.ts";
export { type LogReader, readLog } from "./tree/log-reader.ts";
export { folderSource, type LogSource } from "./tree/log-source.ts";
export { MerkleTree } from "./tree/merkle-tree.ts";
export {
  type ConsistencyClaim,
  type InclusionClaim,
  type LeafRange,
  verifyConsistency,
  verifyInclusion,
} from "./tree/proof.ts";
export { bundlePath, type Tile, type TilePlace, tilePath } from "./tree/tile-layout.ts";
export { leafHash, sha256Tree, sm3Tree, type TreeHash } from "./tree/tree-hash.ts";
export { TreeProver } from "./tree/tree-prover.ts";
export {
  type FindingKind,
  findingKinds,
  type LogFinding,
  type LogVerdict,
  verdictOf,
} from "./verify/finding.ts";
export {
  type ProvenEvent,
  type ProvenGrowth,
  type ProveOptions,
  proveEvent,
  proveGrowth,
} from "./verify/prove.ts";
export { type LogReport, type VerifyLogOptions, verifyLog } from "./verify/verify-log.ts";
export {
  type EventProofReport,
  type GrowthProofReport,
  type ProofReport,
  type VerifyProofOptions,
  verifyProof,
} from "./verify/verify-proof.ts";
export type { Vouched } from "./verify/verify-witnessed.ts";
