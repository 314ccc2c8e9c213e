/**
 * What was recorded of one run, as plain data: V8's samples of each thread and the engine's events of each
 * session, every one with the offset that puts its clock on the recording's. Everything the profiler returns
 * is a pure function of this.
 */
import type { TraceEvent } from "@cupel/runtime";

/** The part of V8's profile we read. https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly CpuProfileNode[];
  /** Microseconds of V8's clock. */
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of the nodes on top of the stack. */
  readonly samples?: readonly number[] | undefined;
  /** Microseconds from the sample before, the first from `startTime`. */
  readonly timeDeltas?: readonly number[] | undefined;
}

export interface CpuProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[] | undefined;
}

export interface ThreadRecording {
  readonly name: string;
  /** One after the other: a thread that may end is asked for its samples piece by piece. */
  readonly pieces: readonly CpuProfile[];
  /** Microseconds to add to V8's clock. */
  readonly offset: number;
}

export interface EngineRecording {
  /** Of the session: the model's file or what its opener called it. */
  readonly name: string;
  readonly events: readonly TraceEvent[];
  /** Microseconds to add to the engine's clock. */
  readonly offset: number;
}

/** Times are microseconds since the recording began. */
export interface Recording {
  readonly threads: readonly ThreadRecording[];
  readonly engines: readonly EngineRecording[];
}

/** Microseconds since the recording began, the same in every thread of the process. */
export interface RecordingClock {
  now(): number;
  /** The offset of the system's monotonic clock, which V8 reads as well on the systems we know. */
  readonly monotonicOffset: number;
}

export function startClock(): RecordingClock {
  const began = process.hrtime.bigint();
  return {
    now: () => Number(process.hrtime.bigint() - began) / 1000,
    monotonicOffset: -Number(began) / 1000,
  };
}
