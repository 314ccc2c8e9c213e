/**
 * Sessions that write the engine's trace: opened like any other, each with a folder of its own. Every run
 * is seen from outside as well, which puts the engine's clock on ours (`clockOffset`).
 */
import { mkdtemp } from "node:fs/promises";
import { basename, join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import {
  type ModelSource,
  openStatefulSession,
  readTrace,
  type SessionOpener,
  type StatefulSession,
  type TraceEvent,
} from "@cupel/runtime";
import { type ClockBound, clockOffset } from "./clock-offset.ts";
import { isOpening, isRun } from "./kernel.ts";
import type { EngineRecording, RecordingClock } from "./recording.ts";

export interface TracedSessions extends AsyncDisposable {
  /** In the place of `openSession` and `openStatefulSession` of the runtime, and as owned by the caller. */
  readonly open: SessionOpener;
  /** The traces of all sessions, closing those still open: the engine writes a trace when it closes. */
  stop(): Promise<EngineRecording[]>;
}

interface Traced {
  readonly name: string;
  readonly folder: string;
  readonly session: StatefulSession;
  readonly opening: Seen;
  readonly runs: Seen[];
}

/** Microseconds of the recording, when something was asked of the session and when that was answered. */
interface Seen {
  readonly asked: number;
  readonly answered: number;
}

/** Disposing closes the sessions and removes the engine's files. */
export async function traceSessions(clock: RecordingClock): Promise<TracedSessions> {
  const root = await openTemporaryFolder("trace");
  const sessions: Traced[] = [];
  return {
    async open(source, options = {}) {
      const folder = await mkdtemp(join(root.path, "session-"));
      const asked = clock.now();
      const session = await openStatefulSession(source, {
        ...options,
        state: options.state ?? [],
        profile: join(folder, "trace"),
      });
      const opening = { asked, answered: clock.now() };
      const traced: Traced = { name: sessionName(source, sessions), folder, session, opening, runs: [] };
      sessions.push(traced);
      const seen = async <Result>(run: () => Promise<Result>): Promise<Result> => {
        const asked = clock.now();
        const result = await run();
        traced.runs.push({ asked, answered: clock.now() });
        return result;
      };
      return {
        ...session,
        get pending() {
          return session.pending;
        },
        timedRun: (...given) => seen(() => session.timedRun(...given)),
        run: (...given) => seen(() => session.run(...given)),
        warmUp: (...given) => seen(() => session.warmUp(...given)),
      };
    },
    stop: () =>
      Promise.all(
        sessions.map(async (traced) => {
          await traced.session.close();
          const events = await readTrace(traced.folder);
          return { name: traced.name, events, offset: clockOffset(boundsOf(events, traced))?.offset ?? 0 };
        }),
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions.map(({ session }) => session.close()));
      await root[Symbol.asyncDispose]();
    },
  };
}

/** The file's name, or "model", made unique by a number. */
function sessionName(source: ModelSource, others: readonly Traced[]): string {
  const name = typeof source === "string" ? basename(source) : "model";
  const same = others.filter((other) => other.name === name || other.name.startsWith(`${name} `)).length;
  return same === 0 ? name : `${name} ${same + 1}`;
}

/**
 * Runs are answered in the order they were asked for. One that failed leaves the pairing in doubt; the
 * opening then has to do.
 */
function boundsOf(events: readonly TraceEvent[], { opening, runs }: Traced): ClockBound[] {
  const inEngine = events.filter(isRun).toSorted((a, b) => a.ts - b.ts);
  const pairs: readonly (readonly [TraceEvent, Seen])[] = [
    ...events.filter(isOpening).map((event) => [event, opening] as const),
    ...(inEngine.length === runs.length ? inEngine.map((event, i) => [event, runs[i]!] as const) : []),
  ];
  return pairs.map(([{ ts, dur }, { asked, answered }]) => ({
    after: asked,
    there: [ts, ts + dur],
    before: answered,
  }));
}
