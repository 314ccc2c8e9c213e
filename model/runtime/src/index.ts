// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type RuntimeErrorCode, runtimeErrors } from "./errors.ts";
export type { IsolationLimits } from "./isolated/isolation-limits.ts";
export { type IsolatedOptions, openIsolated } from "./isolated/open-isolated.ts";
export type { Trial, TrialFeed } from "./isolated/trial-protocol.ts";
export { type TrialOptions, tryIsolated } from "./isolated/try-isolated.ts";
export { type FeedSizes, feedDims, type InputForms } from "./measure/feed-dims.ts";
export {
  type FusionCount,
  type FusionReport,
  fusionReport,
  reportFusions,
  type UnfusedNode,
} from "./measure/fusion-report.ts";
export { assertInputSizes, inputValueLimit } from "./measure/input-limit.ts";
export { type Latency, type LatencyOptions, type MeasuredModel, measureLatency } from "./measure/latency.ts";
export { type OptimisedGraphOptions, optimisedGraph } from "./measure/optimised-graph.ts";
export { type ProfileOptions, profile, readTrace } from "./measure/profile.ts";
export { randomFeeds } from "./measure/random-feeds.ts";
export { type NodeTime, summariseTrace, type TraceEvent } from "./measure/trace.ts";
export type {
  CollectionPace,
  GarbageCollections,
} from "./memory/garbage-collections.ts";
export {
  diagnoseMemory,
  type Growth,
  type MemoryDiagnosis,
  type MemoryPart,
  type MemorySample,
} from "./memory/memory-diagnosis.ts";
export { type MemoryOptions, type MemoryReport, measureMemory } from "./memory/memory-report.ts";
export { type MemoryClock, memoryVerdict } from "./memory/memory-verdict.ts";
export {
  type MemoryWatch,
  type MemoryWatchOptions,
  type MemoryWatchReport,
  watchMemory,
} from "./memory/memory-watch.ts";
export {
  type MemoryPrediction,
  type PredictMemoryOptions,
  predictMemory,
} from "./memory/predict-memory.ts";
export { cpuFeatures } from "./processor/cpu.ts";
export { type CpuFeature, type CpuFeatures, type Int8Advice, int8Advice } from "./processor/cpu-features.ts";
export { engineThreads, setEngineThreads } from "./session/engine-budget.ts";
export {
  type CacheKey,
  type CacheTarget,
  cachedGraph,
  type EngineCache,
  openEngineCache,
} from "./session/engine-cache.ts";
export type { EngineTuning, Optimization } from "./session/engine-options.ts";
export type { EngineRun } from "./session/engine-protocol.ts";
export { engineVersion } from "./session/engine-version.ts";
export { checkFeeds, checkFetches, type Feeds, type Targets } from "./session/feeds.ts";
export { besideFeeds, sessionsWithFeeds } from "./session/fixed-feeds.ts";
export { addTaps, fixDimensions } from "./session/graph-edits.ts";
export type { ModelSource } from "./session/model-source.ts";
export { readSafetensors, type SafetensorsEntry, type SafetensorsFile } from "./session/safetensors.ts";
export {
  type InferenceSession,
  openSession,
  type RunOptions,
  type SessionOptions,
} from "./session/session.ts";
export type { StateBinding } from "./session/state-binding.ts";
export {
  openStatefulSession,
  type SessionOpener,
  type StatefulSession,
  type StatefulSessionOptions,
} from "./session/stateful-session.ts";
export {
  float32Of,
  joinTensors,
  type TensorData,
  type TypedArray,
  type ValueInfo,
} from "./session/tensor-data.ts";
