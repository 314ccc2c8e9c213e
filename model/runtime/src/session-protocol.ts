/**
 * The messages between a session and the thread that hosts its engine. Plain data only: everything here
 * survives structured cloning, and tensors move instead of being copied.
 */
import type { EngineOptions } from "./engine-options.ts";
import type { Feeds } from "./feeds.ts";
import type { PostedModel } from "./model-source.ts";
import type { PostedError } from "./posted-error.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

export type SessionRequest =
  /** Always the first message. Not `workerData`, which would hold the model's bytes for the thread's life. */
  | { readonly kind: "open"; readonly model: PostedModel; readonly options: EngineOptions }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly feeds: Feeds;
      /** Null for all outputs. */
      readonly fetches: readonly string[] | null;
    }
  /** Forget a run that has not begun. */
  | { readonly kind: "cancel"; readonly id: number }
  /** Forget all runs that have not begun, free the engine and end the thread. */
  | { readonly kind: "close" };

export interface EngineRun {
  readonly outputs: Record<string, TensorData>;
  /** Milliseconds inside the engine: without queueing and without the thread boundary. */
  readonly engineMs: number;
}

export type SessionReply =
  | { readonly kind: "opened"; readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] }
  | { readonly kind: "refused"; readonly error: PostedError }
  | { readonly kind: "done"; readonly id: number; readonly run: EngineRun }
  | { readonly kind: "failed"; readonly id: number; readonly error: PostedError };
