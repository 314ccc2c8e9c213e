/** The opening of a model that nobody vouches for: tried in a process of its own, then opened like any other. */
import type { ModelSource } from "../session/model-source.ts";
import { type InferenceSession, openSession, type SessionOptions } from "../session/session.ts";
import { type TrialOptions, tryIsolated } from "./try-isolated.ts";

export interface IsolatedOptions extends SessionOptions, TrialOptions {}

/**
 * Tries a model as `tryIsolated` does: it is loaded and run once in a process with limits, so that a file that crashes
 * the engine, grows without end or never comes to an end costs that process. Then it is opened in this process, by
 * `openSession`: runs are as fast as those of any session, without a copy to another process, and the model is loaded
 * twice. What the trial took is what the opening will take here.
 *
 * What that does not cover: a run on other sizes or values may still fail in ways that the tried one did not; give
 * `inputs` the sizes that will be fed. A file that somebody may change in between is not what was tried: give its bytes.
 *
 * Limits and their defaults: see `IsolationLimits`. Memory is looked at every 10 ms by a thread of the tried process
 * itself, so that neither a blocked caller nor one that is gone stops it. What the engine fills in that time comes on top
 * of the limit: at most 18 MB in 42 trials of models that grow while they are loaded or run, on two busy cores. Memory that
 * the system has put out of the way (swap) does not count.
 * @throws what `tryIsolated` and `openSession` throw
 */
export async function openIsolated(
  source: ModelSource,
  options: IsolatedOptions = {},
): Promise<InferenceSession> {
  await tryIsolated(source, options);
  return openSession(source, options);
}
