/** Runs a command's work under the profilers when --profile is given, and writes the flame graph and the trace. */

import { join } from "node:path";
import { assertWritable, writeFileAtomically } from "@cupel/base";
import { renderProfile } from "@cupel/console";
import { slowNodeText, withProfiler } from "@cupel/profile";
import type { SessionOpener } from "@cupel/runtime";
import { text } from "../arguments/option.ts";

export const profileOption = text({
  name: "profile",
  placeholder: "DIR",
  summary: "Folder for a flame graph and a Chrome trace of the work, which gets slower",
});

export interface WrittenProfile {
  /** Paths. */
  readonly flameGraph: string;
  readonly trace: string;
  /** The ten slowest nodes, a sentence each. */
  readonly slowest: readonly string[];
}

export interface Profiled<Result> {
  readonly result: Result;
  /** Null where none was asked for. */
  readonly profile: WrittenProfile | null;
}

/** What a profile is written to, by what it is; nothing where no folder is given. */
export function profileFiles(
  folder: string | undefined,
): Partial<Pick<WrittenProfile, "flameGraph" | "trace">> {
  return folder === undefined ? {} : pathsIn(folder);
}

const pathsIn = (folder: string) => ({
  flameGraph: join(folder, "flame-graph.html"),
  trace: join(folder, "trace.json"),
});

/**
 * @param folder of the profile; without one, `work` gets no `open` and is not profiled
 * @param title what was run, for the page
 * @throws what `work` throws, DISK_FULL, WRITE_FAILED, and what `renderProfile` throws
 */
export async function profiled<Result>(
  folder: string | undefined,
  title: string,
  work: (open: SessionOpener | undefined) => Promise<Result>,
): Promise<Profiled<Result>> {
  if (folder === undefined) return { result: await work(undefined), profile: null };
  const paths = pathsIn(folder);
  await assertWritable(Object.values(paths));
  const run = await withProfiler(({ open }) => work(open));
  await writeFileAtomically(paths.flameGraph, await renderProfile(run, title));
  await writeFileAtomically(paths.trace, JSON.stringify(run.trace));
  return { result: run.result, profile: { ...paths, slowest: run.slowest.map(slowNodeText) } };
}

/** For the summary that a person reads. */
export function profileFacts(profile: WrittenProfile | null): (readonly [string, string])[] {
  if (profile === null) return [];
  return [
    ["flame graph", profile.flameGraph],
    ["trace", profile.trace],
    ["slowest nodes", profile.slowest.join("\n")],
  ];
}
