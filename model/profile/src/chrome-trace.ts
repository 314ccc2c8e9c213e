/**
 * The recording in the trace event format, which chrome://tracing and Perfetto open.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
import type { Recording } from "./recording.ts";
import { scriptSlices } from "./script-frames.ts";

interface ChromeEvent {
  readonly ph: "X" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly cat?: string;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly traceEvents: readonly ChromeEvent[];
  readonly displayTimeUnit: "ms";
}

const pid = 1;

/** One track a thread and one a session, in that order. */
export function chromeTrace({ threads, engines }: Recording): ChromeTrace {
  const tracks = [
    ...threads.map((thread) => ({
      name: thread.name,
      events: scriptSlices(thread).map(({ name, note, start, end }) => ({
        name,
        cat: "script",
        ts: start,
        dur: end - start,
        args: { place: note },
      })),
    })),
    ...engines.map(({ name, events, offset }) => ({
      name: `session ${name}`,
      events: events.map(({ name, cat, ts, dur, args = {} }) => ({
        name: name.replace(/_kernel_time$/, ""),
        cat: cat === "Node" ? "kernel" : "session",
        ts: ts + offset,
        dur,
        args,
      })),
    })),
  ];
  return {
    traceEvents: [
      { ph: "M", pid, tid: 0, name: "process_name", args: { name: "cupel" } },
      ...tracks.flatMap(({ name, events }, tid): ChromeEvent[] => [
        { ph: "M", pid, tid, name: "thread_name", args: { name } },
        { ph: "M", pid, tid, name: "thread_sort_index", args: { sort_index: tid } },
        ...events.map((event): ChromeEvent => ({ ph: "X", pid, tid, ...event })),
      ]),
    ],
    displayTimeUnit: "ms",
  };
}
