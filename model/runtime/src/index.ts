export { cpuFeatures } from "./cpu.ts";
export { type CpuFeature, type CpuFeatures, type Int8Advice, int8Advice } from "./cpu-features.ts";
export type { EngineTuning, Optimization } from "./engine-options.ts";
export { engineVersion } from "./engine-version.ts";
export { type RuntimeErrorCode, runtimeErrors } from "./errors.ts";
export type { Feeds, Targets } from "./feeds.ts";
export {
  type FusionCount,
  type FusionReport,
  fusionReport,
  reportFusions,
  type UnfusedNode,
} from "./fusion-report.ts";
export { addTaps, fixDimensions } from "./graph-edits.ts";
export { type Latency, type LatencyOptions, measureLatency } from "./latency.ts";
export {
  diagnoseMemory,
  type Growth,
  type MemoryDiagnosis,
  type MemoryPart,
  type MemorySample,
} from "./memory-diagnosis.ts";
export { type MemoryOptions, type MemoryReport, measureMemory } from "./memory-report.ts";
export { type MemoryClock, memoryVerdict } from "./memory-verdict.ts";
export {
  type MemoryWatch,
  type MemoryWatchOptions,
  type MemoryWatchReport,
  watchMemory,
} from "./memory-watch.ts";
export type { ModelSource } from "./model-source.ts";
export { type OptimisedGraphOptions, optimisedGraph } from "./optimised-graph.ts";
export { type ProfileOptions, profile, readTrace } from "./profile.ts";
export { type RandomFeedsOptions, randomFeeds } from "./random-feeds.ts";
export { openSession, type RunOptions, type Session, type SessionOptions } from "./session.ts";
export type { EngineRun } from "./session-protocol.ts";
export type { StateBinding } from "./state-binding.ts";
export type { Spread } from "./statistics.ts";
export { float32Of, type TensorData, type TypedArray, type ValueInfo } from "./tensor-data.ts";
export { type NodeTime, summariseTrace, type TraceEvent } from "./trace.ts";
