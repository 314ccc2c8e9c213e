/** Hears of this thread's garbage collections as they happen. What it keeps of them is bounded. */
import { constants, PerformanceObserver } from "node:perf_hooks";
import type { CollectionsSeen, MajorCollection } from "./garbage-collections.ts";

export interface CollectionWatch extends Disposable {
  /** Major ones so far. */
  readonly major: number;
  /** To be told what the heap and array buffers hold, in bytes, before a collection may come. */
  heldNow(bytes: number): void;
  seen(): CollectionsSeen;
}

const mostMajors = 1024;

export function watchCollections(): CollectionWatch {
  const started = performance.now();
  const counts = { major: 0, minor: 0 };
  const pauses = { total: 0, longest: 0 };
  let majors: MajorCollection[] = [];
  /** One in so many is kept. */
  let stride = 1;
  let held = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { startTime, duration } = entry;
      if (startTime < started) continue;
      pauses.total += duration;
      pauses.longest = Math.max(pauses.longest, duration);
      if (kindOf(entry) !== constants.NODE_PERFORMANCE_GC_MAJOR) {
        counts.minor++;
        continue;
      }
      if (counts.major++ % stride !== 0) continue;
      const { heapUsed, external } = process.memoryUsage();
      const surviving = heapUsed + external;
      majors.push({ at: (startTime - started) / 1000, surviving, freed: Math.max(0, held - surviving) });
      held = surviving;
      if (majors.length < mostMajors) continue;
      majors = majors.filter((_, index) => index % 2 === 0);
      stride *= 2;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return {
    get major() {
      return counts.major;
    },
    heldNow(bytes) {
      held = bytes;
    },
    seen: () => ({ majors, stride, counts: { ...counts }, pauses: { ...pauses } }),
    [Symbol.dispose]: () => observer.disconnect(),
  };
}

function kindOf(entry: object): unknown {
  const detail = "detail" in entry ? entry.detail : null;
  return typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : null;
}
