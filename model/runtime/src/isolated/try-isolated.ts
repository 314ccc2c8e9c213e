/**
 * Whether the engine here loads a model and runs it: once, on random values, in a process of its own that is held to
 * limits (`trial-process.ts`). Loading alone does not tell, for many a model fails only at its first run; there are
 * files that crash the engine, and small ones that grow without end while it folds constants, where nothing can cancel it.
 */
import { join, resolve } from "node:path";
import { openTemporaryFolder, reviveError, throwIfCancelled, writeFileAtomically } from "@cupel/base";
import type { InputForms } from "../measure/feed-dims.ts";
import { engineOptions } from "../session/engine-options.ts";
import { enginePackage } from "../session/engine-package.ts";
import { editSource } from "../session/graph-edits.ts";
import { type ModelSource, nameOfSource } from "../session/model-source.ts";
import { isRefusedForNames } from "../session/repeated-names.ts";
import type { SessionOptions } from "../session/session.ts";
import { type ChosenLimits, type IsolationLimits, isolationLimits } from "./isolation-limits.ts";
import { runTrialProcess } from "./trial-process.ts";
import type { Trial, TrialModel, TrialTask } from "./trial-protocol.ts";

export interface TrialOptions extends Omit<SessionOptions, "maxQueued" | "profile"> {
  readonly limits?: IsolationLimits | undefined;
  /** Pixels a side to try first where the model leaves the size of its images open. Default: 224. */
  readonly side?: number | undefined;
  /** Sizes that the model leaves open, and inputs that take no random values. Default: see `feedDims`. */
  readonly inputs?: InputForms | undefined;
}

/** Tried in turn after `side`: ImageNet's, that of small detectors, CIFAR-10's. */
const usualSides = [224, 64, 32];

/**
 * @param source a path, or bytes: these go to the process in a temporary file.
 * @throws what `openSession` and `InferenceSession.run` throw; MODEL_CRASHED_ENGINE, MODEL_OVER_MEMORY,
 * MODEL_OVER_TIME; INPUT_MISSING for a model without inputs; MEASUREMENT_FAILED where no process can be started
 */
export async function tryIsolated(source: ModelSource, options: TrialOptions = {}): Promise<Trial> {
  throwIfCancelled(options.signal, "The trial run");
  const limits = isolationLimits(options.limits);
  enginePackage();
  await using folder = await openTemporaryFolder("trial");
  try {
    return await tryEdited(source, options, limits, folder.path, false);
  } catch (thrown) {
    if (!isRefusedForNames(thrown)) throw thrown;
    return await tryEdited(source, options, limits, folder.path, true);
  }
}

async function tryEdited(
  source: ModelSource,
  { side, inputs = {}, signal, taps = [], freeDimensions = {}, optimisedModelPath, ...tuning }: TrialOptions,
  limits: ChosenLimits,
  folder: string,
  nodeNames: boolean,
): Promise<Trial> {
  const edited = await editSource(source, { taps, freeDimensions, sentinel: false, nodeNames });
  const configEntries = { ...edited.configEntries, ...tuning.configEntries };
  const task: TrialTask = {
    model: await modelFor(edited.source, nameOfSource(source), folder, signal),
    options: {
      ...engineOptions({ ...tuning, configEntries }),
      optimisedModelPath: optimisedModelPath === undefined ? null : resolve(optimisedModelPath),
    },
    sides: [...new Set([...(side === undefined ? [] : [side]), ...usualSides])],
    inputs,
  };
  const outcome = await runTrialProcess(task, limits, folder, signal);
  if (outcome.kind === "failed") throw reviveError(outcome.error);
  return outcome.trial;
}

async function modelFor(
  source: ModelSource,
  name: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<TrialModel> {
  if (typeof source === "string") return { kind: "path", path: resolve(source), name };
  const path = join(folder, "model.onnx");
  await writeFileAtomically(path, source instanceof Uint8Array ? [source] : source, { signal });
  return { kind: "bytes", path, name };
}
