/** Where a model's time goes, node by node, by the engine's own clock. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import type { Feeds } from "../session/feeds.ts";
import type { ModelSource } from "../session/model-source.ts";
import { openSession, type SessionOptions } from "../session/session.ts";
import type { InputForms } from "./feed-dims.ts";
import { randomFeeds } from "./random-feeds.ts";
import { type NodeTime, summariseTrace, type TraceEvent } from "./trace.ts";

export interface ProfileOptions extends WorkOptions, Omit<SessionOptions, "profile" | "signal"> {
  /** Runs that count. Default 10. One more is made first and left out. */
  readonly runs?: number | undefined;
  /** Default: one random image (`randomFeeds`, seed 1). */
  readonly feeds?: Feeds | undefined;
  /** Of that image: sizes that the model leaves open, and inputs that take no random values. */
  readonly inputs?: InputForms | undefined;
}

/** @throws what `openSession` and `InferenceSession.run` throw */
export async function profile(source: ModelSource, options: ProfileOptions = {}): Promise<NodeTime[]> {
  const { runs = 10, feeds: given, inputs, signal, progress = silentProgress, ...sessionOptions } = options;
  await using folder = await openTemporaryFolder();
  {
    await using session = await openSession(source, {
      ...sessionOptions,
      signal,
      profile: join(folder.path, "trace"),
    });
    const feeds = given ?? randomFeeds(session.inputs, 1, inputs);
    using task = progress.start("Profiling", runs, "runs");
    await session.warmUp(feeds, { signal });
    for (let run = 0; run < runs; run++) {
      throwIfCancelled(signal, "Profiling");
      await session.run(feeds);
      task.advance();
    }
  }
  return summariseTrace(await readTrace(folder.path), { warmup: 1 });
}

/** The trace that the one session with its `profile` prefix in `folder` wrote when it was closed. @throws RUN_FAILED */
export async function readTrace(folder: string): Promise<TraceEvent[]> {
  const [file] = await readdir(folder);
  if (file === undefined) throw runtimeErrors.error("RUN_FAILED", "The engine wrote no profile.");
  return JSON.parse(await readFile(join(folder, file), "utf8"));
}
