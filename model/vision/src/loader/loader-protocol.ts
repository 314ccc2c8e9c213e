/** What a loader asks of its threads. The floats of a batch change hands; they are never copied. */
import type { BatchFillerOptions, Slot, UnreadableSlot } from "./fill-batch.ts";

/** Given to the thread as it starts. */
export type LoaderThreadData = BatchFillerOptions;

/** A batch to fill. */
export interface LoaderTask {
  readonly slots: readonly Slot[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface FilledBatch {
  readonly data: Float32Array<ArrayBuffer>;
  readonly unreadable: readonly UnreadableSlot[];
}
