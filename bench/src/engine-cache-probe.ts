/** Entry of the child process that serves a model, answers once, tells what that took, and stays until it is told to go. */
import { readFileSync } from "node:fs";
import { collectGarbage } from "@cupel/base";
import { randomFeeds } from "@cupel/runtime";
import { anonymous, type Call, openRepository } from "@cupel/serve";

export interface CacheProbeTask {
  readonly path: string;
  /** Null where no cache is used. */
  readonly cacheFolder: string | null;
  readonly threads: number;
}

export interface CacheProbeOutcome {
  /** From opening the repository, its trial process included, to the first answer. */
  readonly firstAnswerMs: number;
  /** Of all processors until then, those of the trial's process included: it hardly depends on what else runs. */
  readonly processorMs: number;
  /** Of those that followed, in the engine. */
  readonly medianRunMs: number;
  /** Sum of the first output, to tell whether the same was computed. */
  readonly sum: number;
}

/** Of /proc/self/smaps_rollup, which Linux has, in bytes; see proc(5). */
export interface ProcessMemory {
  /** In memory and in no other process: what one process more would take. */
  readonly privateBytes: number;
  /** With what is shared counted in parts: the sum over all processes is what they take together. */
  readonly proportionalBytes: number;
}

const runs = 10;

const call: Call = {
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
};

process.once("message", async ({ path, cacheFolder, threads }: CacheProbeTask) => {
  const started = performance.now();
  const before = processorTime();
  await using repository = await openRepository(path, {
    threads,
    cacheFolder: cacheFolder ?? undefined,
  });
  using lease = repository.lease(repository.index()[0]!.name);
  const { version } = lease;
  const feeds = randomFeeds(version.inputs, 1);
  const [first] = Object.values((await version.run(feeds, { call })).outputs);
  const firstAnswerMs = performance.now() - started;
  const processorMs = processorTime() - before;
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push((await version.run(feeds, { call })).engineMs);
  const outcome: CacheProbeOutcome = {
    firstAnswerMs,
    processorMs,
    medianRunMs: times.sort((a, b) => a - b)[runs / 2]!,
    sum: [...(first?.data ?? [])].reduce((sum: number, value) => sum + Number(value), 0),
  };
  process.send?.(outcome);
  process.on("message", (order) => {
    if (order === "memory") process.send?.(memory());
  });
  await new Promise((resolve) => process.once("disconnect", resolve));
});

/** Of this process and of its children that have ended, in ms, of /proc/self/stat: ticks of 10 ms; see proc(5). */
function processorTime(): number {
  const [, after = ""] = readFileSync("/proc/self/stat", "utf8").split(") ");
  // utime, stime, cutime and cstime; the state, which comes first here, is field 3.
  return after
    .split(" ")
    .slice(11, 15)
    .reduce((sum, ticks) => sum + 10 * Number(ticks), 0);
}

function memory(): ProcessMemory {
  collectGarbage();
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  const bytes = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return {
    privateBytes: bytes("Private_Clean") + bytes("Private_Dirty"),
    proportionalBytes: bytes("Pss"),
  };
}
