// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export {
  type Alert,
  alertLine,
  alertOfChange,
  alertOfFuse,
  type ChangedVariable,
  eventOfAlert,
} from "./alert/alert.ts";
export {
  type AlertLines,
  type AlertSink,
  eventSinkAlerts,
  lineAlerts,
  openAlertLines,
  type WebhookOptions,
  webhookAlerts,
} from "./alert/alert-sinks.ts";
export {
  endOf,
  type FuseEvent,
  type FuseOptions,
  type FuseOutcome,
  type FuseState,
  type FuseStep,
  quietFuse,
  stepFuse,
  usualFuse,
} from "./alert/fuse.ts";
export {
  type DifferenceClass,
  type DiffOptions,
  diffSnapshots,
  type EnvironmentDifference,
  type SnapshotDiff,
} from "./diff/diff-snapshots.ts";
export {
  type EnvironmentChange,
  isLargeEnough,
  type SmallestChange,
  type WatchOptions,
  watchEnvironment,
} from "./diff/watch-environment.ts";
export { type EnvTraceErrorCode, envTraceErrors } from "./errors.ts";
export { commandFindings } from "./graph/commands/command-findings.ts";
export type { CommandFinding, SetReach } from "./graph/commands/finding.ts";
export { GraphBuilder } from "./graph/graph-builder.ts";
export { readAuditd } from "./graph/logs/auditd.ts";
export { readLog } from "./graph/logs/read-log.ts";
export { readWindowsEvents } from "./graph/logs/windows-events.ts";
export { type DrawnGraph, type DrawOptions, drawGraph } from "./graph/mermaid.ts";
export { neighbourhood } from "./graph/neighbourhood.ts";
export {
  type CommandText,
  emptySummary,
  type LogKind,
  type LogSummary,
  type ProcessEnd,
  type ProcessEvent,
  type ProcessName,
  type ProcessStart,
  type VariableWrite,
} from "./graph/process-event.ts";
export type { EdgeKind, GraphEdge, GraphNode, ProvenanceGraph } from "./graph/provenance-graph.ts";
export { actorsOf, type CarriedScript, carriedScripts, listersOf } from "./graph/queries.ts";
export type { CodeClass, Observation, ObservationKind } from "./observation.ts";
export { parsePolicy, readPolicy } from "./policy/check-policy.ts";
export {
  type DeniedRead,
  type EnvPolicy,
  openPolicy,
  type PolicyMode,
  type PolicyRow,
  taggedNames,
} from "./policy/env-policy.ts";
export { accessSentence } from "./report/access-words.ts";
export { accessesOf, type EnvAccess } from "./report/accesses.ts";
export { type Baseline, baselineText, newSince, parseBaseline } from "./report/baseline.ts";
export { isGrave, type Lockfile, newSinceLockfile, parseLockfile } from "./report/lockfile.ts";
export { type SarifOptions, sarifOf } from "./report/sarif.ts";
export { shownProgram } from "./report/shown-program.ts";
export {
  type EnvironmentReading,
  type OriginStatement,
  type ReadEnvironment,
  type ReadOptions,
  readSources,
} from "./snapshot/read-sources.ts";
export {
  parseSnapshotKey,
  type Snapshot,
  type SnapshotEnvironment,
  type SnapshotSource,
  type SnapshotVariable,
  snapshotKeyBytes,
  takeSnapshot,
} from "./snapshot/snapshot.ts";
export { formatSnapshot, parseSnapshot } from "./snapshot/snapshot-file.ts";
export {
  parseSourceReference,
  type SourceKind,
  type SourceKindName,
  type SourceReference,
  sourceKinds,
} from "./snapshot/source-kinds.ts";
export type { ComputedStatement, SetStatement, Statement, UnsetStatement } from "./snapshot/statement.ts";
export { type Collected, collectObservations } from "./trace/collect.ts";
export { type PreparedTrace, prepareTrace, type TraceOptions } from "./trace/prepare-trace.ts";
