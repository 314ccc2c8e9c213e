/**
 * Whether the engine here loads a model and runs it: once, on random values, in a process of its own. Loading
 * alone does not tell, for many a model fails only at its first run; and there are files that crash the engine.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  baseErrors,
  moduleBeside,
  openTemporaryFolder,
  reasonOf,
  reviveError,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import type { InputForms } from "../measure/feed-dims.ts";
import { type EngineTuning, engineOptions } from "../session/engine-options.ts";
import { fileWithNames, isRefusedForNames } from "../session/repeated-names.ts";
import type { TrialFeed, TrialOutcome, TrialTask } from "./trial-protocol.ts";

export interface TrialRunOptions extends EngineTuning, Pick<WorkOptions, "signal"> {
  /** Pixels a side to try first where the model leaves the size of its images open. Default: 224. */
  readonly side?: number | undefined;
  /** Sizes that the model leaves open, and inputs that take no random values. Default: see `feedDims`. */
  readonly inputs?: InputForms | undefined;
}

/** Tried in turn after `side`: ImageNet's, that of small detectors, CIFAR-10's. */
const usualSides = [224, 64, 32];

/**
 * @param path of a model file.
 * @returns what was fed: [N, C, H, W] with one image, open sizes filled in.
 * @throws what `openSession` and `InferenceSession.run` throw; RUN_FAILED also where the engine crashed;
 * INPUT_MISSING for a model without inputs; CANCELLED
 */
export async function trialRun(path: string, options: TrialRunOptions = {}): Promise<readonly TrialFeed[]> {
  const { side, inputs = {}, signal, ...tuning } = options;
  throwIfCancelled(signal, "The trial run");
  const sides = [...new Set([...(side === undefined ? [] : [side]), ...usualSides])];
  const task = { options: engineOptions(tuning), sides, inputs };
  const outcome = await tried(path, { ...task, path }, signal);
  if (outcome.kind === "ran") return outcome.fed;
  const failure = reviveError(outcome.error);
  if (!isRefusedForNames(failure)) throw failure;
  await using folder = await openTemporaryFolder();
  const named = await fileWithNames(path, folder.path, signal);
  const again = await tried(path, { ...task, path: named }, signal);
  if (again.kind === "failed") throw reviveError(again.error);
  return again.fed;
}

function tried(path: string, task: TrialTask, signal: AbortSignal | undefined): Promise<TrialOutcome> {
  const entry = fileURLToPath(moduleBeside(import.meta.url, "trial-probe"));
  const child = fork(entry, {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    signal,
  });
  return new Promise((resolve, reject) => {
    let told: TrialOutcome | null = null;
    child.on("message", (message: TrialOutcome) => {
      told = message;
    });
    child.on("error", (thrown) =>
      reject(signal?.aborted ? cancelled(signal) : crashed(path, reasonOf(thrown))),
    );
    child.on("close", (status, killed) =>
      told ? resolve(told) : reject(crashed(path, killed ?? `status ${status}`)),
    );
    child.send(task);
  });
}

function crashed(path: string, how: string) {
  return runtimeErrors.error(
    "RUN_FAILED",
    `The engine crashed on ${path}: its process ended by ${how}. Other commands would end the same way.`,
    { details: { path, reason: how } },
  );
}

function cancelled(signal: AbortSignal) {
  return baseErrors.error("CANCELLED", "The trial run was cancelled.", { cause: signal.reason });
}
