/** What passes between `measureMemory` and the child process that it measures, structured-cloned on a channel of its own. */
import type { PostedError } from "@cupel/base";
import type { InputForms } from "../measure/feed-dims.ts";
import type { EngineOptions } from "../session/engine-options.ts";

export interface MemoryTask {
  /** Null measures the bare process: Node with the engine's library loaded. */
  readonly path: string | null;
  readonly options: EngineOptions;
  readonly runs: number;
  readonly batch: number;
  readonly inputs: InputForms;
}

export type MemoryOutcome =
  /** `peakResident` in bytes, as the child's own system tells it at the end. */
  | { readonly kind: "measured"; readonly peakResident: number | null }
  | { readonly kind: "failed"; readonly error: PostedError };
