/** Entry of the child process that loads a model, runs it, tells what of its memory is whose, and stays until it is told to go. */
import { readFileSync } from "node:fs";
import { collectGarbage } from "@cupel/base";
import { type EngineTuning, openSession, randomFeeds } from "@cupel/runtime";

export interface MappedProbeTask {
  readonly path: string;
  /** Beginning of the paths of its files of weights. */
  readonly weights: string;
  readonly tuning: EngineTuning;
}

/** In bytes, of /proc/self/smaps_rollup and /proc/self/smaps, which Linux has; see proc(5). */
export interface MappedMemory {
  readonly residentBytes: number;
  /** What is shared counted in parts: the sum over all processes is what they take together. */
  readonly proportionalBytes: number;
  /** In memory and in no other process. */
  readonly privateBytes: number;
  readonly sharedBytes: number;
  readonly anonymousBytes: number;
  /** Of the mappings of the files of weights. */
  readonly weights: {
    readonly residentBytes: number;
    readonly proportionalBytes: number;
    readonly dirtyBytes: number;
  };
  readonly medianRunMs: number;
}

const runs = 7;

process.once("message", async ({ path, weights, tuning }: MappedProbeTask) => {
  await using session = await openSession(path, tuning);
  const feeds = randomFeeds(session.inputs, 1);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push((await session.timedRun(feeds)).engineMs);
  process.send?.("ready");
  process.on("message", () => {
    collectGarbage();
    process.send?.(memory(weights, times.sort((a, b) => a - b)[(runs - 1) / 2]!));
  });
  await new Promise((resolve) => process.once("disconnect", resolve));
});

function memory(weights: string, medianRunMs: number): MappedMemory {
  const all = readFileSync("/proc/self/smaps_rollup", "utf8");
  const mapped = mappingsOf(readFileSync("/proc/self/smaps", "utf8")).filter((text) =>
    text.includes(weights),
  );
  const ofWeights = (field: string) => mapped.reduce((sum, text) => sum + bytesOf(text, field), 0);
  return {
    residentBytes: bytesOf(all, "Rss"),
    proportionalBytes: bytesOf(all, "Pss"),
    privateBytes: bytesOf(all, "Private_Clean") + bytesOf(all, "Private_Dirty"),
    sharedBytes: bytesOf(all, "Shared_Clean") + bytesOf(all, "Shared_Dirty"),
    anonymousBytes: bytesOf(all, "Anonymous"),
    weights: {
      residentBytes: ofWeights("Rss"),
      proportionalBytes: ofWeights("Pss"),
      dirtyBytes: ofWeights("Private_Dirty"),
    },
    medianRunMs,
  };
}

/** A mapping is a line of addresses and a path, and then its fields. */
function mappingsOf(text: string): string[] {
  return text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
}

function bytesOf(text: string, field: string): number {
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
}
