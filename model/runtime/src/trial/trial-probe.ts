/** Entry of the child process that tries a model: what crashes the engine ends this process and no other. */
import { elementCount, postError } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import { feedDims, type InputForms, isSideOpen } from "../measure/feed-dims.ts";
import { randomFeeds } from "../measure/random-feeds.ts";
import { type EngineSession, openEngineSession, prepareEngineThread } from "../session/engine-session.ts";
import type { TrialFeed, TrialOutcome, TrialTask } from "./trial-protocol.ts";

/** A larger feed is refused: 1 GiB of float32. */
const mostValues = 2 ** 28;

process.once("message", async (task: TrialTask) => {
  let outcome: TrialOutcome;
  try {
    prepareEngineThread();
    outcome = { kind: "ran", fed: await runOnce(task) };
  } catch (thrown) {
    outcome = { kind: "failed", error: postError(thrown) };
  }
  process.send?.(outcome, () => process.disconnect?.());
});

async function runOnce({ path, options, sides, inputs: forms }: TrialTask): Promise<readonly TrialFeed[]> {
  await using session = await openEngineSession({ kind: "path", path }, options);
  const { inputs } = session;
  if (inputs.length === 0) {
    throw runtimeErrors.error("INPUT_MISSING", "The model has no input, so that nothing can be asked of it.");
  }
  const tried = isSideOpen(inputs, forms) ? sides : sides.slice(0, 1);
  let failure: unknown = null;
  for (const side of tried) {
    try {
      return await runAt(session, forms, side);
    } catch (thrown) {
      // The first size is the likeliest, and what it failed of the most telling.
      failure ??= thrown;
    }
  }
  throw failure;
}

async function runAt(session: EngineSession, forms: InputForms, side: number): Promise<readonly TrialFeed[]> {
  const sizes = { ...forms, side };
  const dims = feedDims(session.inputs, sizes);
  const inputs = session.inputs.map(({ name }, i) => ({ name, dims: dims[i]! }));
  for (const { name, dims } of inputs) {
    if (elementCount(dims) <= mostValues) continue;
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The input "${name}" takes [${dims.join(", ")}], more than the ${mostValues} values that a trial feeds.`,
    );
  }
  await session.run(randomFeeds(session.inputs, 1, sizes), null);
  return inputs;
}
