/** What passes between `tryIsolated` and the process that tries a model, structured-cloned on a channel of its own. */
import type { PostedError } from "@cupel/base";
import type { InputForms } from "../measure/feed-dims.ts";
import type { EngineOptions } from "../session/engine-options.ts";
import type { ValueInfo } from "../session/tensor-data.ts";

/** Given to the process as it starts, as JSON on its command line. */
export interface GuardOrders {
  /** See `IsolationLimits`. */
  readonly memory: number;
  readonly time: number;
  /** The process that wants to know. Without it the trial is of no use to anybody. */
  readonly caller: number;
}

/** Why the guard ended the process; written as "memory 300097536" to `guardDescriptor` before it does. */
export interface GuardVerdict {
  readonly over: "memory" | "time";
  /** Bytes resident then. */
  readonly resident: number;
}

/** Behind standard streams and the channel of messages. */
export const guardDescriptor = 4;

export interface TrialTask {
  readonly model: TrialModel;
  readonly options: EngineOptions;
  /** Pixels a side, tried in turn where the model leaves the size of its images open. */
  readonly sides: readonly number[];
  readonly inputs: InputForms;
}

/** The engine reads a model of the caller's path itself; one of bytes is in a temporary file. The name is for messages. */
export interface TrialModel {
  readonly kind: "path" | "bytes";
  readonly path: string;
  readonly name: string;
}

/** What was fed in the run that went well. */
export type TrialFeed = Pick<ValueInfo, "name"> & { readonly dims: readonly number[] };

/** A model that was loaded and has run. */
export interface Trial {
  /** [N, C, H, W] with one image, open sizes filled in. */
  readonly fed: readonly TrialFeed[];
  /** Most bytes that the process had resident, Node.js and the engine included; null where the system does not tell. */
  readonly peakResident: number | null;
}

export type TrialOutcome =
  | { readonly kind: "ran"; readonly trial: Trial }
  | { readonly kind: "failed"; readonly error: PostedError };

/** `doing` completes "while it was ..."; told before it is done, since the process may not survive it. */
export type TrialMessage = TrialOutcome | { readonly kind: "stage"; readonly doing: string };
