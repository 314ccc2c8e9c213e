/** One load and one run of a model in this process. */
import { readFile } from "node:fs/promises";
import { runtimeErrors } from "../errors.ts";
import { feedDims, type InputForms, isSideOpen } from "../measure/feed-dims.ts";
import { randomFeeds } from "../measure/random-feeds.ts";
import { peakResident } from "../memory/peak-resident.ts";
import { type EngineSession, openEngineSession, prepareEngineThread } from "../session/engine-session.ts";
import type { PostedModel } from "../session/model-source.ts";
import type { Trial, TrialFeed, TrialModel, TrialTask } from "./trial-protocol.ts";

/** @param tell what is about to be done; see `TrialMessage`. */
export async function runTrial(task: TrialTask, tell: (doing: string) => Promise<void>): Promise<Trial> {
  prepareEngineThread();
  await tell("being loaded");
  const fed = await loadAndRun(task, tell);
  return { fed, peakResident: peakResident() };
}

async function loadAndRun(
  { model, options, sides, inputs: forms }: TrialTask,
  tell: (doing: string) => Promise<void>,
): Promise<readonly TrialFeed[]> {
  await using session = await openEngineSession(await posted(model), options);
  const { inputs } = session;
  if (inputs.length === 0) {
    throw runtimeErrors.error("INPUT_MISSING", "The model has no input, so that nothing can be asked of it.");
  }
  const tried = isSideOpen(inputs, forms) ? sides : sides.slice(0, 1);
  let failure: unknown = null;
  for (const side of tried) {
    try {
      return await runAt(session, forms, side, tell);
    } catch (thrown) {
      // The first size is the likeliest, and what it failed of the most telling.
      failure ??= thrown;
    }
  }
  throw failure;
}

async function posted({ kind, path, name }: TrialModel): Promise<PostedModel> {
  if (kind === "path") return { kind, path, name };
  const { buffer, byteOffset, byteLength } = await readFile(path);
  return { kind, bytes: buffer.slice(byteOffset, byteOffset + byteLength), name };
}

async function runAt(
  session: EngineSession,
  forms: InputForms,
  side: number,
  tell: (doing: string) => Promise<void>,
): Promise<readonly TrialFeed[]> {
  const sizes = { ...forms, side };
  const dims = feedDims(session.inputs, sizes);
  const inputs = session.inputs.map(({ name }, i) => ({ name, dims: dims[i]! }));
  await tell(`run on ${inputs.map(({ name, dims }) => `"${name}" [${dims.join(", ")}]`).join(" and ")}`);
  await session.run(randomFeeds(session.inputs, 1, sizes), null);
  return inputs;
}
