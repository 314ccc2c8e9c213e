/** Images become the floats of a batch: decode, augment, normalise, straight into their places. */

import { throwIfCancelled } from "@cupel/base";
import { createAugmenter } from "../augmentation/augment.ts";
import type { Augmentation } from "../augmentation/augmentation.ts";
import type { Image } from "../image.ts";
import type { Preprocessing } from "../preprocessing/preprocessing.ts";
import { decodeImage } from "../tensors/decode.ts";
import { inOrder } from "../tensors/in-order.ts";
import { createNormaliser } from "../tensors/normalise.ts";
import { isUnreadable } from "../tensors/unreadable-images.ts";

/** One image and where it goes. */
export interface Slot {
  /** Its place in the batch, from 0. */
  readonly place: number;
  readonly image: Image;
  /** For messages. */
  readonly id: string;
  /** Of its augmentation. */
  readonly seed: number;
}

export interface UnreadableSlot {
  readonly place: number;
  readonly reason: string;
}

/**
 * Writes the slots into `data`; those that cannot be read are told and their places left as they were.
 * @throws CANCELLED, DEADLINE_EXCEEDED between two images
 */
export type BatchFiller = (
  slots: readonly Slot[],
  data: Float32Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
) => Promise<UnreadableSlot[]>;

/** While one image is normalised in the thread, sharp decodes another on one of libuv's. */
const DECODING_AT_ONCE = 2;

export interface BatchFillerOptions {
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
  /** See `LoaderOptions`. */
  readonly memoryPerImage?: number | undefined;
}

export function createBatchFiller({
  preprocessing,
  augmentation,
  memoryPerImage: memory,
}: BatchFillerOptions): BatchFiller {
  const augment = createAugmenter(augmentation, preprocessing);
  const normaliser = createNormaliser(preprocessing);
  const extent = augmentation.length > 0 ? "whole" : "centre";

  return async (slots, data, signal) => {
    const unreadable: UnreadableSlot[] = [];
    const fill = async (at: number): Promise<void> => {
      throwIfCancelled(signal, "Loading images");
      const { place, image, id, seed } = slots[at]!;
      try {
        const pixels = await decodeImage(image, preprocessing, id, { extent, memory, signal });
        normaliser.write(augment(pixels, seed), data, place * normaliser.valuesPerImage);
      } catch (thrown) {
        if (!isUnreadable(thrown)) throw thrown;
        unreadable.push({ place, reason: thrown.message });
      }
    };
    const bounds = { workers: DECODING_AT_ONCE, window: slots.length };
    for await (const _ of inOrder(slots.length, bounds, fill));
    return unreadable.sort((a, b) => a.place - b.place);
  };
}
