/**
 * What an epoch does, as a pure function of the seed and the number of the epoch: the order of the images
 * and the seed of each one's augmentation. Hence any batch can be made again, by any number of workers, and
 * training resumes where it stopped with the same bits.
 */
import { createRandom } from "@cupel/base";

export interface EpochPlan {
  /** Indices of the source, each once. */
  readonly order: readonly number[];
  /** Seed of what is drawn for this image in this epoch. */
  augmentationSeed(index: number): number;
}

/** createRandom takes 53 bits: 32 count within a stream, 21 choose it. */
const STREAMS = 2 ** 21;
const STREAM_LENGTH = 2 ** 32;

export function planEpoch(seed: number, epoch: number, length: number, shuffle: boolean): EpochPlan {
  const random = createRandom(createRandom(seed).integer(STREAMS) * STREAM_LENGTH + epoch);
  const stream = random.integer(STREAMS) * STREAM_LENGTH;
  return {
    order: shuffle ? random.permutation(length) : Array.from({ length }, (_, i) => i),
    augmentationSeed: (index) => stream + index,
  };
}
