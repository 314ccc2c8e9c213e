// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type Environment, environment } from "./compare/environment.ts";
export type { ComparedServer, StartServer } from "./compare/far-servers.ts";
export { type PlanOptions, planDefaults, planRuns, type Run, secondsOf } from "./compare/plan.ts";
export {
  type ComparedLink,
  type ComparisonOptions,
  type MeasuredRun,
  runComparison,
} from "./compare/run-comparison.ts";
export { type CellSummary, lagLimitMs, summarise } from "./compare/summarise.ts";
export { type WanErrorCode, wanErrors } from "./errors.ts";
export { type ConnectionPolicy, policyText } from "./face/connection-policy.ts";
export { isCallable, type ProtocolName, type Target } from "./face/open-caller.ts";
export type { TensorCall } from "./face/tensor-call.ts";
export { type CallerTls, type ServerTls, type TlsMode, tlsModes } from "./face/tls-files.ts";
export type { FirstCall } from "./handshake/first-call.ts";
export type { HandshakeKind } from "./handshake/handshake-kinds.ts";
export {
  type ComparedHandshakes,
  type HandshakeOptions,
  type HandshakePlan,
  handshakeLagLimitMs,
  handshakePlanDefaults,
  handshakeSecondsOf,
  runHandshakes,
} from "./handshake/run-handshakes.ts";
export type { HandshakeSummary } from "./handshake/summarise-handshakes.ts";
export type { DelayLaw, JitterLaw } from "./link/delay-law.ts";
export type { DirectionSpec } from "./link/direction.ts";
export {
  type EmulatedLink,
  type EmulatedLinkOptions,
  type LinkSpec,
  openEmulatedLink,
  type TcpSettings,
  whyNoLink,
} from "./link/emulated-link.ts";
export type { LossLaw } from "./link/loss.ts";
export { commandAt, type Place, thisMachine } from "./link/place.ts";
export type { ProbeOptions } from "./link/probe-link.ts";
export type { Counted, DirectionCounters, RelayCounters } from "./link/relay-counters.ts";
export {
  type LinkVerification,
  type MeasuredDirection,
  measureLink,
  verifyLink,
} from "./link/verify-link.ts";
export { generateLoad } from "./load/generate-load.ts";
export type { GeneratorJob, GeneratorResult } from "./load/generator-process.ts";
export type { LatencyFigures } from "./load/latency-record.ts";
export type { NetworkCounters } from "./load/network-counters.ts";
export type { Outcome } from "./load/outcome.ts";
export type { LoadFigures, LoadSpec } from "./load/run-load.ts";
export type { ScheduleSpec } from "./load/schedule.ts";
export {
  type DelayProxy,
  type DelayProxyOptions,
  delayProxyPreset,
  injectedDelayHeader,
  openDelayProxy,
} from "./proxy/delay-proxy.ts";
export {
  assertScenario,
  type Cell,
  type Scenario,
  type ScenarioLink,
  withoutLoss,
} from "./scenario/scenario.ts";
export { everyCell, scenarios } from "./scenario/scenarios.ts";
