/** What a loader and its threads tell each other. The floats of a batch change hands; they are never copied. */
import type { Augmentation } from "../augmentation/augmentation.ts";
import type { Preprocessing } from "../preprocessing/preprocessing.ts";
import type { BrokenSlot, Slot } from "./fill-batch.ts";

/** Given to the thread as it starts. */
export interface LoaderThreadData {
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
}

export type LoaderRequest =
  | { readonly kind: "fill"; readonly slots: readonly Slot[]; readonly data: Float32Array<ArrayBuffer> }
  | { readonly kind: "close" };

/** To a `fill`, one at a time. */
export interface LoaderReply {
  readonly data: Float32Array<ArrayBuffer>;
  readonly broken: readonly BrokenSlot[];
}
