/**
 * One run under both profilers, V8's and the engine's, as data on one clock: a flame tree, the slowest nodes and a
 * Chrome trace. Profiling slows the run: the engine writes an event for each node, V8 takes 2,000 samples a second.
 */
import { type ChromeTrace, chromeTrace } from "./chrome-trace.ts";
import { engineFrame } from "./engine-frames.ts";
import { type FlameFrame, frameOf } from "./flame-frame.ts";
import { type Recording, startClock } from "./recording.ts";
import { scriptFrame } from "./script-frames.ts";
import { type SlowNode, slowestNodes } from "./slowest-nodes.ts";
import { startThreadSampler } from "./thread-sampler.ts";
import { type TracedSessions, traceSessions } from "./traced-sessions.ts";

/** Where the time of a run went: what a page shows. */
export interface Profile {
  /** All threads and sessions as one tree of busy time. */
  readonly tree: FlameFrame;
  /** The ten slowest nodes of all sessions, slowest first. `slowNodeText` says one in words. */
  readonly slowest: readonly SlowNode[];
}

export interface ProfiledRun<Result> extends Profile {
  /** What the run itself returned. */
  readonly result: Result;
  /** To be written as JSON; chrome://tracing and Perfetto open it. */
  readonly trace: ChromeTrace;
}

/** What a profiled run opens its sessions with, in the place of the runtime's `openSession`. */
export type Tracing = Pick<TracedSessions, "open">;

/**
 * Runs `run` and profiles it. Sessions it leaves open are closed: the engine writes its trace then.
 * @throws what `run` throws, and RUN_FAILED when the engine wrote no trace
 */
export async function withProfiler<Result>(
  run: (tracing: Tracing) => Promise<Result>,
): Promise<ProfiledRun<Result>> {
  const clock = startClock();
  await using sessions = await traceSessions(clock);
  await using sampler = await startThreadSampler(clock);
  const result = await run(sessions);
  const threads = await sampler.stop();
  const recording = { threads, engines: await sessions.stop() };
  return {
    result,
    tree: flameTree(recording),
    slowest: slowestNodes(recording.engines),
    trace: chromeTrace(recording),
  };
}

/**
 * The whole recording as one tree: each thread by its stacks, each session by its layers, slowest first. Its
 * width is busy time, added over threads: two that work at once count twice, one that waits not at all.
 */
export function flameTree({ threads, engines }: Recording): FlameFrame {
  const frames = [...engines.map(engineFrame), ...threads.map(scriptFrame)];
  return frameOf(
    "all threads",
    "thread",
    frames.filter(({ us }) => us > 0),
  );
}
