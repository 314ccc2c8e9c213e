/**
 * Entry of the child process whose memory is measured. It hosts the engine in its main thread: a worker's
 * heap would add a megabyte or ten that have nothing to do with the model.
 */

import { postError } from "@cupel/base";
import { randomFeeds } from "../measure/random-feeds.ts";
import { openEngineSession, prepareEngineThread } from "../session/engine-session.ts";
import type { MemoryOutcome, MemoryTask } from "./memory-protocol.ts";
import { peakResident } from "./peak-resident.ts";

process.once("message", async (task: MemoryTask) => {
  let outcome: MemoryOutcome;
  try {
    prepareEngineThread();
    if (task.path !== null) await exercise(task.path, task);
    outcome = { kind: "measured", peakResident: peakResident() };
  } catch (thrown) {
    outcome = { kind: "failed", error: postError(thrown) };
  }
  process.send?.(outcome, () => process.disconnect?.());
});

async function exercise(path: string, { options, runs, batch, inputs }: MemoryTask): Promise<void> {
  await using session = await openEngineSession({ kind: "path", path, name: path }, options);
  const feeds = randomFeeds(session.inputs, 1, { ...inputs, batch });
  for (let run = 0; run < runs; run++) await session.run(feeds, null);
}
