/**
 * The messages between a session and the thread that hosts its engine. Plain data only: everything here
 * survives structured cloning, and tensors move instead of being copied.
 */
import type { PostedError } from "@cupel/base";
import type { EngineOptions } from "./engine-options.ts";
import type { Feeds, Targets } from "./feeds.ts";
import type { PostedModel } from "./model-source.ts";
import type { StateBinding } from "./state-binding.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

/** What an open session is asked to do. Tasks are done one after the other, in the order they were asked for. */
export type SessionTask =
  | {
      readonly kind: "run";
      readonly feeds: Feeds;
      /** Null for all outputs that are no state. */
      readonly fetches: readonly string[] | null;
      /** Shared memory that takes outputs, which are then not among those posted back. */
      readonly into: Targets;
    }
  /** Null for all. */
  | { readonly kind: "readState"; readonly names: readonly string[] | null }
  /** Into shared memory. */
  | { readonly kind: "readStateInto"; readonly targets: Targets }
  | { readonly kind: "writeState"; readonly values: Feeds };

export type QueuedTask = SessionTask & { readonly id: number };

export type SessionRequest =
  /** Always the first message. Not `workerData`, which would hold the model's bytes for the thread's life. */
  | {
      readonly kind: "open";
      readonly model: PostedModel;
      readonly options: EngineOptions;
      readonly state: readonly StateBinding[];
    }
  | QueuedTask
  /** Forget a task that has not begun. */
  | { readonly kind: "cancel"; readonly id: number }
  /** Forget all tasks that have not begun, free the engine and end the thread. */
  | { readonly kind: "close" };

export interface EngineRun {
  /** Of a task that reads the state, its values. */
  readonly outputs: Record<string, TensorData>;
  /** Milliseconds inside the engine: without queueing and without the thread boundary. 0 when no graph was run. */
  readonly engineMs: number;
}

export type SessionReply =
  | { readonly kind: "opened"; readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] }
  | { readonly kind: "refused"; readonly error: PostedError }
  | { readonly kind: "done"; readonly id: number; readonly run: EngineRun }
  | { readonly kind: "failed"; readonly id: number; readonly error: PostedError };
