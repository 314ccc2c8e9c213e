// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type EnvTraceErrorCode, envTraceErrors } from "./errors.ts";
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
export { type SarifOptions, sarifOf } from "./report/sarif.ts";
export { type Collected, collectObservations } from "./trace/collect.ts";
export { type PreparedTrace, prepareTrace, type TraceOptions } from "./trace/prepare-trace.ts";
