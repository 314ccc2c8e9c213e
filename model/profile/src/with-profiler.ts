/**
 * One run under both profilers, V8's and the engine's, told as one: a flame graph page, a Chrome trace and
 * the slowest nodes in words. Profiling costs: the engine writes an event a node, V8 takes 2,000 samples a second.
 */

import { type ChromeTrace, chromeTrace } from "./chrome-trace.ts";
import { renderFlameGraph } from "./flame-page.ts";
import { flameTree } from "./flame-tree.ts";
import { startClock } from "./recording-clock.ts";
import { type DearNode, dearNodeText, slowestNodes } from "./slowest-nodes.ts";
import { startThreadSampler } from "./thread-sampler.ts";
import { type TracedSessions, traceSessions } from "./traced-sessions.ts";

export interface ProfilerOptions {
  /** What was run, for the page: "resnet18, 20 steps". Default "Profile". */
  readonly title?: string | undefined;
}

export interface ProfiledRun<Result> {
  /** What the run itself returned. */
  readonly result: Result;
  /** The flame graph as one self-contained page. */
  readonly html: string;
  /** To be written as JSON; chrome://tracing and Perfetto open it. */
  readonly trace: ChromeTrace;
  /** The ten slowest nodes of all sessions, a sentence each. */
  readonly summary: readonly string[];
  readonly slowest: readonly DearNode[];
}

/** What a profiled run opens its sessions with, in the place of the runtime's `openSession`. */
export type Tracing = Pick<TracedSessions, "open">;

/**
 * Runs `run` and profiles it. Sessions it leaves open are closed: the engine writes its trace then.
 * @throws what `run` throws, and RUN_FAILED when the engine wrote no trace
 */
export async function withProfiler<Result>(
  options: ProfilerOptions,
  run: (tracing: Tracing) => Promise<Result>,
): Promise<ProfiledRun<Result>> {
  const { title = "Profile" } = options;
  const clock = startClock();
  await using sessions = await traceSessions(clock);
  await using sampler = await startThreadSampler(clock);
  const result = await run(sessions);
  const threads = await sampler.stop();
  const recording = { threads, engines: await sessions.stop() };
  const slowest = slowestNodes(recording.engines);
  const summary = slowest.map(dearNodeText);
  return {
    result,
    slowest,
    summary,
    html: renderFlameGraph(flameTree(recording), { title, summary }),
    trace: chromeTrace(recording),
  };
}
