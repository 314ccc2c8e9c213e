/** Progress that tells how much of the files was read. */
import type { Progress } from "@cupel/base";

/** Adds up the bytes that were read. */
export function countingProgress() {
  const counted = { total: 0, advanced: 0 };
  const progress: Progress = {
    start(_title, total = 0) {
      counted.total += total;
      return {
        advance(count = 1) {
          counted.advanced += count;
        },
        note() {},
        [Symbol.dispose]() {},
      };
    },
  };
  return { counted, progress };
}
