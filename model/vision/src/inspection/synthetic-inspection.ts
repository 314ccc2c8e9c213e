/**
 * The synthetic inspection set: 64 x 64 grey crops of circuit boards in seven classes, for tests and
 * demonstrations, without a download. It is drawn, not photographed: accuracy
 * on it says nothing about a factory.
 */
import { createRandom } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { INSPECTION_CLASSES } from "./defects.ts";
import { CROP_SIDE, drawCrop } from "./draw-crop.ts";

export interface SyntheticInspectionOptions {
  /** Images; classes follow each other 0..6, 0..6, ... and so are balanced within one. */
  readonly count: number;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * An image depends on the seed and its index only: a larger set begins with the smaller one. Each is
 * drawn when first asked for and kept (4 KiB). @throws SELECTION_INVALID
 */
export function syntheticInspection({ count, seed = 0 }: SyntheticInspectionOptions): ImageSource {
  if (!Number.isInteger(count) || count < 1) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `count must be a whole number of at least 1, not ${count}.`,
    );
  }
  // createRandom takes 53 bits: 21 stand for the seed, 32 for the image.
  const stream = createRandom(seed).integer(2 ** 21) * 2 ** 32;
  const drawn = new Map<number, Uint8Array>();
  const labelOf = (index: number): number => index % INSPECTION_CLASSES.length;

  return {
    kind: "synthetic",
    location: `synthetic inspection set (seed ${seed})`,
    length: count,
    classes: INSPECTION_CLASSES,
    labelled: true,
    id: (index) => `synthetic-${seed}#${index}`,
    label: labelOf,
    async image(index) {
      let data = drawn.get(index);
      if (data === undefined) {
        data = drawCrop(createRandom(stream + index), labelOf(index));
        drawn.set(index, data);
      }
      return { kind: "raw", width: CROP_SIDE, height: CROP_SIDE, channels: 1, data };
    },
  };
}
