/** What a loader asks of its threads. The floats of a batch change hands; they are never copied. */
import type { Augmentation } from "../augmentation/augmentation.ts";
import type { Preprocessing } from "../preprocessing/preprocessing.ts";
import type { Slot, UnreadableSlot } from "./fill-batch.ts";

/** Given to the thread as it starts. */
export interface LoaderThreadData {
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
}

/** A batch to fill. */
export interface LoaderTask {
  readonly slots: readonly Slot[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface FilledBatch {
  readonly data: Float32Array<ArrayBuffer>;
  readonly unreadable: readonly UnreadableSlot[];
}
