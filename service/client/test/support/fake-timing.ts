/** Time that a test moves: waits end when it is moved past them, and never by themselves. */
import { createRandom } from "@cupel/base";
import type { Timing } from "../../src/policies/timing.ts";

export interface FakeTiming extends Timing {
  /** Waits in force, in ms from when they began. */
  readonly asked: readonly number[];
  /** Moves time, and lets everything run that waited for it. */
  advance(ms: number): Promise<void>;
}

interface Wait {
  readonly at: number;
  readonly end: () => void;
}

export function fakeTiming(seed = 1): FakeTiming {
  let now = 0;
  const waits = new Set<Wait>();
  const asked: number[] = [];
  const random = createRandom(seed);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    clock: { now: () => 1_800_000_000_000 + now, monotonic: () => now },
    random: () => random.uniform(),
    asked,
    wait(ms, signal) {
      asked.push(ms);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (signal.aborted) reject(signal.reason);
      const wait = { at: now + ms, end: resolve };
      waits.add(wait);
      signal.addEventListener("abort", () => {
        waits.delete(wait);
        reject(signal.reason);
      });
      return promise;
    },
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        await settled();
        const next = [...waits].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
        if (!next) break;
        waits.delete(next);
        now = Math.max(now, next.at);
        next.end();
      }
      now = until;
      await settled();
    },
  };
}
