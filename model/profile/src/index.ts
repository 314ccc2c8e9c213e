export type { ChromeTrace } from "./chrome-trace.ts";
export type { DearNode } from "./slowest-nodes.ts";
export { type ProfiledRun, type ProfilerOptions, type Tracing, withProfiler } from "./with-profiler.ts";
