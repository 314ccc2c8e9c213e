export type { ChromeTrace } from "./chrome-trace.ts";
export type { FlameFrame, FrameKind } from "./flame-frame.ts";
export { type SlowNode, slowNodeText } from "./slowest-nodes.ts";
export { type Profile, type ProfiledRun, type Tracing, withProfiler } from "./with-profiler.ts";
