/** What passes between `trialRun` and the child process that tries a model, structured-cloned on a channel of its own. */
import type { PostedError } from "@cupel/base";
import type { InputForms } from "../measure/feed-dims.ts";
import type { EngineOptions } from "../session/engine-options.ts";
import type { ValueInfo } from "../session/tensor-data.ts";

export interface TrialTask {
  readonly path: string;
  readonly options: EngineOptions;
  /** Pixels a side, tried in turn where the model leaves the size of its images open. */
  readonly sides: readonly number[];
  readonly inputs: InputForms;
}

/** What was fed in the run that went well. */
export type TrialFeed = Pick<ValueInfo, "name"> & { readonly dims: readonly number[] };

export type TrialOutcome =
  | { readonly kind: "ran"; readonly fed: readonly TrialFeed[] }
  | { readonly kind: "failed"; readonly error: PostedError };
