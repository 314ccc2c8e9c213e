/**
 * Watches the memory of this process while it works: a sample a step, or one every so many milliseconds,
 * and at the end a diagnosis. A sample costs some 0.1 ms, and their number is bounded: a watch that grew
 * with the run would be the leak it looks for.
 */
import { readFileSync } from "node:fs";
import { collectionsText, type GarbageCollections, summariseCollections } from "./garbage-collections.ts";
import { diagnoseMemory, type MemoryDiagnosis, type MemorySample } from "./memory-diagnosis.ts";
import { type MemoryClock, memoryVerdict } from "./memory-verdict.ts";
import { parseProcStatus } from "./proc-status.ts";
import { watchCollections } from "./watch-collections.ts";

export interface MemoryWatchOptions {
  /** Milliseconds between samples taken by a timer. Default: none, `sample` is called at every step. */
  readonly everyMs?: number | undefined;
}

export interface MemoryWatchReport {
  readonly diagnosis: MemoryDiagnosis;
  readonly collections: GarbageCollections;
  /** Both in words. */
  readonly verdict: string;
  readonly clock: MemoryClock;
  /** Those kept: at most 4,096, evenly over the run. */
  readonly samples: readonly MemorySample[];
}

export interface MemoryWatch extends Disposable {
  /** To be called after each step, with its number, when there is no timer. Numbers MUST ascend. */
  sample(step: number): void;
  /** @param stepsPerEpoch so that growth is told for an epoch too */
  report(stepsPerEpoch?: number): MemoryWatchReport;
}

const mostSamples = 4096;

/** Disposing stops the timer; the report remains. */
export function watchMemory(options: MemoryWatchOptions = {}): MemoryWatch {
  const started = performance.now();
  const clock: MemoryClock = options.everyMs === undefined ? "step" : "second";
  const collections = watchCollections();
  let samples: MemorySample[] = [];
  /** One sample in so many is kept. */
  let stride = 1;
  let offered = 0;
  const take = (at: number) => {
    if (offered++ % stride !== 0) return;
    const sample = sampleMemory(at, collections.major);
    collections.heldNow(sample.heap + sample.external);
    samples.push(sample);
    if (samples.length < mostSamples) return;
    samples = samples.filter((_, index) => index % 2 === 0);
    stride *= 2;
  };
  const timer =
    options.everyMs === undefined
      ? undefined
      : setInterval(() => take((performance.now() - started) / 1000), options.everyMs).unref();
  return {
    sample: take,
    report(stepsPerEpoch) {
      const diagnosis = diagnoseMemory(samples);
      const collected = summariseCollections(collections.seen());
      const verdict = `${memoryVerdict(diagnosis, clock, stepsPerEpoch)} ${collectionsText(collected)}`;
      return { diagnosis, collections: collected, verdict, clock, samples };
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      collections[Symbol.dispose]();
    },
  };
}

function sampleMemory(at: number, collections: number): MemorySample {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return {
    at,
    resident: rss,
    heap: heapUsed,
    external,
    collections,
    native: (anonymousResident() ?? rss) - heapTotal - external,
  };
}

/** Null where there is no /proc. */
function anonymousResident(): number | null {
  if (process.platform !== "linux") return null;
  return parseProcStatus(readFileSync("/proc/self/status", "utf8")).anonymous;
}
