/**
 * V8's samples of this thread and of the workers it starts, through the inspector that Node brings.
 *
 * A worker that has ended cannot be asked for its samples, so every half second the samples of each worker are
 * collected and sampling starts again. When a worker ends by itself, its samples since the last collection are
 * missing. The threads of sessions are left out: what they do is in the engine's own trace.
 */
import { Session as InspectorSession } from "node:inspector/promises";
import { type ClockBound, clockOffset } from "./clock-offset.ts";
import type { CpuProfile, RecordingClock, ThreadRecording } from "./recording.ts";

export interface ThreadSampler extends AsyncDisposable {
  /** This thread first, then the workers in the order they started. */
  stop(): Promise<ThreadRecording[]>;
}

const samplingMicroseconds = 500;
const harvestMs = 500;
/** How long `stop` waits for a worker that is busy in native code. */
const patienceMs = 2000;
const sessionThread = /\bcupel-session$/;

export async function startThreadSampler(clock: RecordingClock): Promise<ThreadSampler> {
  const inspector = new InspectorSession();
  inspector.connect();
  const workers = new Map<string, WorkerProbe>();
  inspector.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }) => {
    if (sessionThread.test(workerInfo.title)) return;
    const probe = new WorkerProbe(workerInfo.title, clock, (message) => {
      // The worker may have ended in this moment.
      inspector.post("NodeWorker.sendMessageToWorker", { sessionId, message }).catch(() => {});
    });
    workers.set(sessionId, probe);
  });
  inspector.on("NodeWorker.receivedMessageFromWorker", ({ params: { sessionId, message } }) =>
    workers.get(sessionId)?.receive(message),
  );
  inspector.on("NodeWorker.detachedFromWorker", ({ params: { sessionId } }) => workers.get(sessionId)?.end());
  await inspector.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.setSamplingInterval", { interval: samplingMicroseconds });
  const after = clock.now();
  await inspector.post("Profiler.start");
  const harvest = setInterval(() => {
    for (const worker of workers.values()) void worker.harvest(true);
  }, harvestMs).unref();

  return {
    async stop() {
      clearInterval(harvest);
      const { profile } = await inspector.post("Profiler.stop");
      const bound = boundOf(profile, after, clock.now());
      await Promise.all(Array.from(workers.values(), (worker) => worker.harvest(false)));
      const probes = [{ name: "main thread", pieces: [{ profile, bound }] }, ...workers.values()];
      return probes.map(({ name, pieces }) => threadOf(name, pieces, clock));
    },
    async [Symbol.asyncDispose]() {
      clearInterval(harvest);
      inspector.disconnect();
    },
  };
}

interface Piece {
  readonly profile: CpuProfile;
  readonly bound: ClockBound;
}

/** One worker's end of the inspector's protocol. */
class WorkerProbe {
  readonly name: string;
  readonly pieces: Piece[] = [];
  readonly #clock: RecordingClock;
  readonly #send: (message: string) => void;
  readonly #stops = new Map<number, { resolve: () => void; after: number }>();
  #nextId = 1;
  #startedAfter = 0;
  #ended = false;

  constructor(name: string, clock: RecordingClock, send: (message: string) => void) {
    this.name = name;
    this.#clock = clock;
    this.#send = send;
    this.#begin();
  }

  /** Collects the samples; resolves when they have come, when the worker has ended, or after `patienceMs`. */
  async harvest(goOn: boolean): Promise<void> {
    if (this.#ended) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patienceMs);
    this.#stops.set(this.#post("Profiler.stop"), { resolve, after: this.#startedAfter });
    if (goOn) this.#start();
    await promise;
    clearTimeout(timer);
  }

  receive(message: string): void {
    const reply: { id?: number; result?: { profile?: CpuProfile } } = JSON.parse(message);
    const stop = this.#stops.get(reply.id ?? 0);
    if (!stop) return;
    this.#stops.delete(reply.id!);
    const profile = reply.result?.profile;
    if (profile) this.pieces.push({ profile, bound: boundOf(profile, stop.after, this.#clock.now()) });
    // A worker that was still starting has missed what it was told: it does not sample yet.
    else this.#begin();
    stop.resolve();
  }

  end(): void {
    this.#ended = true;
    for (const { resolve } of this.#stops.values()) resolve();
  }

  #begin(): void {
    this.#post("Profiler.enable");
    this.#post("Profiler.setSamplingInterval", { interval: samplingMicroseconds });
    this.#start();
  }

  #start(): void {
    this.#startedAfter = this.#clock.now();
    this.#post("Profiler.start");
  }

  #post(method: string, params: object = {}): number {
    const id = this.#nextId++;
    this.#send(JSON.stringify({ id, method, params }));
    return id;
  }
}

function threadOf(name: string, pieces: readonly Piece[], clock: RecordingClock): ThreadRecording {
  const bounds = pieces.map(({ bound }) => bound);
  return {
    name,
    pieces: pieces.map(({ profile }) => profile),
    offset: clockOffset(bounds, clock.monotonicOffset)?.offset ?? clock.monotonicOffset,
  };
}

/** A profile began after it was asked for, and ended before it came. */
function boundOf({ startTime, endTime }: CpuProfile, after: number, before: number): ClockBound {
  return { after, there: [startTime, endTime], before };
}
