/** The whole recording as one tree: each thread by its stacks, each session by its layers, slowest first. */
import { engineFrame } from "./engine-frames.ts";
import { type FlameFrame, frameOf } from "./flame-frame.ts";
import type { Recording } from "./recording.ts";
import { scriptFrame } from "./script-frames.ts";

/** Its width is busy time, added over threads: two that work at once count twice, one that waits not at all. */
export function flameTree({ threads, engines }: Recording): FlameFrame {
  const frames = [...engines.map(engineFrame), ...threads.map(scriptFrame)];
  return frameOf(
    "all threads",
    "thread",
    frames.filter(({ us }) => us > 0),
  );
}
