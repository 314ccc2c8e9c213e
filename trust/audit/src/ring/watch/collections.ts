/** Garbage collections of this thread's heap. */
import { constants, PerformanceObserver } from "node:perf_hooks";
import type { RingWriter } from "../ring-writer.ts";
import { memberOf } from "./member.ts";

const names: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak callbacks"],
]);

/** Told by the runtime after the collection, in a task of its own. */
export function watchCollections(writer: RingWriter): Disposable {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const name = names.get(memberOf(memberOf(entry, "detail"), "kind")) ?? "other";
      writer.write("gc", [entry.duration], [name], performance.timeOrigin + entry.startTime);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return { [Symbol.dispose]: () => observer.disconnect() };
}
