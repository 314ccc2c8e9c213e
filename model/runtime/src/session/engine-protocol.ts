/**
 * What a session asks of the thread that hosts its engine. Plain data only: everything here survives
 * structured cloning, and tensors move instead of being copied.
 */
import type { BudgetMemory, BudgetPlace } from "./engine-budget.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { GuardMemory } from "./exit-guard.ts";
import type { Feeds, Targets } from "./feeds.ts";
import type { PostedModel } from "./model-source.ts";
import type { StateBinding } from "./state-binding.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

/** Given to the thread as it starts. */
export interface EngineThreadData {
  readonly guard: GuardMemory;
  readonly budget: BudgetMemory;
  readonly place: BudgetPlace;
}

/** Done one after the other, in the order they were asked for. */
export type EngineTask =
  /** Always the first. Not in `EngineThreadData`, which would hold the model's bytes for the thread's life. */
  | {
      readonly kind: "open";
      readonly model: PostedModel;
      readonly options: EngineOptions;
      readonly state: readonly StateBinding[];
    }
  | {
      readonly kind: "run";
      readonly feeds: Feeds;
      /** Null for all outputs that are no state. */
      readonly fetches: readonly string[] | null;
      /** Shared memory that takes outputs, which are then not among those posted back. */
      readonly into: Targets;
      /** False where the run is to leave the state as it is. */
      readonly renewsState: boolean;
    }
  /** Null for all. */
  | { readonly kind: "readState"; readonly names: readonly string[] | null }
  /** Into shared memory. */
  | { readonly kind: "readStateInto"; readonly targets: Targets }
  | { readonly kind: "writeState"; readonly values: Feeds };

export type EngineAnswer =
  | { readonly kind: "opened"; readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] }
  | { readonly kind: "done"; readonly run: EngineRun };

export interface EngineRun {
  /** Of a task that reads the state, its values. */
  readonly outputs: Record<string, TensorData>;
  /**
   * Milliseconds inside the engine: without queueing, waiting for engine threads, or the thread boundary.
   * 0 when no graph was run.
   */
  readonly engineMs: number;
}
