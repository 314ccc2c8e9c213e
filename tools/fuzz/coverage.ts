/**
 * What of the project's sources an input reached that none before it did: V8's own block coverage, asked for by the
 * inspector of this thread. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/
 */
import { type Profiler, Session } from "node:inspector";

export interface Coverage extends Disposable {
  /** Blocks that ran since the last call and had never run, or never so often: counts are told apart by powers of two. */
  newBlocks(): number;
}

/** @param isWatched whether the blocks of a script count, by its URL */
export function watchCoverage(isWatched: (url: string) => boolean): Coverage {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const seen = new Set<string>();
  return {
    newBlocks() {
      let found = 0;
      for (const { scriptId, url, functions } of takeCoverage(session)) {
        if (!isWatched(url)) continue;
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count === 0) continue;
            const key = `${scriptId} ${startOffset} ${endOffset} ${Math.min(8, Math.floor(Math.log2(count)))}`;
            if (seen.has(key)) continue;
            seen.add(key);
            found++;
          }
        }
      }
      return found;
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}

function takeCoverage(session: Session): readonly Profiler.ScriptCoverage[] {
  let taken: readonly Profiler.ScriptCoverage[] = [];
  // A thread's own inspector answers before `post` returns.
  session.post("Profiler.takePreciseCoverage", (failure, answer) => {
    if (failure) throw failure;
    taken = answer.result;
  });
  return taken;
}
