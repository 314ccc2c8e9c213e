// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type Advice, adviceOf } from "./compare/advice.ts";
export {
  type CarriedLoad,
  type CongestionCapacity,
  capacityPlan,
  type LinkCapacity,
  type LoadTrial,
  measureCapacity,
  type ShareComparison,
} from "./compare/capacity.ts";
export { carriedLimits, judgeLoad, type LoadVerdict } from "./compare/carried-load.ts";
export { cellText } from "./compare/cell-text.ts";
export { capacitySeconds, rateSearchSeconds, secondsOf } from "./compare/duration.ts";
export { type Environment, environment } from "./compare/environment.ts";
export type { ComparedServer, StartServer } from "./compare/far-servers.ts";
export type { HedgingRow, LinkHedging } from "./compare/hedging.ts";
export type { MeasuredRun, RunFigures } from "./compare/measure-run.ts";
export type { PairedRatio } from "./compare/paired-ratio.ts";
export { type PlanOptions, planDefaults, planRuns, type Run } from "./compare/plan.ts";
export {
  lagLimitMs,
  type RateProbe,
  type RateSearch,
  type RateSearchOptions,
  searchRate,
} from "./compare/rate-search.ts";
export { type ComparisonReport, type Measured, reportOf } from "./compare/report.ts";
export type { LinkReport } from "./compare/report-link.ts";
export { type ComparedLink, type ComparisonOptions, runComparison } from "./compare/run-comparison.ts";
export { type HedgingFigures, simulateHedging } from "./compare/simulate-hedging.ts";
export type { CellSummary } from "./compare/summarise.ts";
export { type WanErrorCode, wanErrors } from "./errors.ts";
export { type ConnectionPolicy, clientPolicy, policyText, stockPolicy } from "./face/connection-policy.ts";
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
export type { DelayVerification, LinkKind } from "./link/measured-link.ts";
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
export type { Thirds } from "./load/under-way.ts";
export {
  type DelayProxy,
  type DelayProxyOptions,
  delayProxyPreset,
  injectedDelayHeader,
  openDelayProxy,
} from "./proxy/delay-proxy.ts";
export { delayOnlyScenario, noCongestion } from "./scenario/delay-only-scenario.ts";
export { capacityCells, hedgingCells, policyCells } from "./scenario/questions.ts";
export {
  assertScenario,
  type Cell,
  type Scenario,
  type ScenarioLink,
  withoutLoss,
} from "./scenario/scenario.ts";
export { everyCell, scenarios } from "./scenario/scenarios.ts";
