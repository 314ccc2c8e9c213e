/**
 * Applies an augmentation: a pure function of the pixels and of one number, the seed of all draws for the
 * image. The result does not depend on the thread or the time.
 */
import { createRandom, type Random } from "@cupel/base";
import type { RawImage } from "../image.ts";
import { CHANNELS, type Preprocessing } from "../preprocessing/preprocessing.ts";
import { resample } from "../tensors/resample.ts";
import type { Augmentation, AugmentationKind, AugmentationStep } from "./augmentation.ts";
import { changeColour } from "./colour.ts";
import { fillBox, flipHorizontal, flipVertical, turn, windowOf } from "./geometry.ts";
import { resizedCropBox } from "./resized-crop.ts";

/** `seed`, a whole number up to 2^53, decides every draw. The given image stays as it is. */
export type Augmenter = (image: RawImage, seed: number) => RawImage;

/** @param preprocessing gives the size of the tensor, the interpolation, and the mean that `erase` leaves. */
export function createAugmenter(augmentation: Augmentation, preprocessing: Preprocessing): Augmenter {
  const frame: Frame = { preprocessing, mean: meanLevels(preprocessing) };
  return (image, seed) => {
    const random = createRandom(seed);
    return augmentation.reduce((changed, step) => applyStep(changed, step, random, frame), image);
  };
}

interface Frame {
  readonly preprocessing: Preprocessing;
  /** Red, green, blue. */
  readonly mean: readonly number[];
}

type Apply<Kind extends AugmentationKind> = (
  image: RawImage,
  step: AugmentationStep<Kind>,
  random: Random,
  frame: Frame,
) => RawImage;

const APPLY: { readonly [Kind in AugmentationKind]: Apply<Kind> } = {
  flip: (image, { probability }, random) => (random.uniform() < probability ? flipHorizontal(image) : image),
  "flip-vertical": (image, { probability }, random) =>
    random.uniform() < probability ? flipVertical(image) : image,
  crop(image, { padding }, random, { preprocessing: { width, height } }) {
    const left = anywhere(image.width + 2 * padding, width, random) - padding;
    const top = anywhere(image.height + 2 * padding, height, random) - padding;
    return windowOf(image, { left, top, width, height }, "black");
  },
  "resized-crop"(image, step, random, { preprocessing }) {
    const box = resizedCropBox(image, step, random);
    const { width, height, interpolation } = preprocessing;
    const to = { width, height };
    return resample(windowOf(image, box, "black"), { to, interpolation, window: { left: 0, top: 0, ...to } });
  },
  shift(image, { pixels, fill }, random) {
    const left = random.integer(2 * pixels + 1) - pixels;
    const top = random.integer(2 * pixels + 1) - pixels;
    const { width, height } = image;
    return windowOf(image, { left, top, width, height }, fill);
  },
  rotate(image, _, random) {
    let turned = image;
    for (let turns = random.integer(4); turns > 0; turns--) turned = turn(turned);
    return turned;
  },
  colour(image, { brightness, contrast, saturation }, random) {
    const factor = (strength: number): number => 1 + strength * (2 * random.uniform() - 1);
    return changeColour(image, {
      brightness: factor(brightness),
      contrast: factor(contrast),
      saturation: factor(saturation),
    });
  },
  erase(image, { size }, random, { mean }) {
    const left = random.integer(image.width) - Math.floor(size / 2);
    const top = random.integer(image.height) - Math.floor(size / 2);
    const levels = image.channels === 1 ? mean.slice(1, 2) : mean;
    return fillBox(image, { left, top, width: size, height: size }, levels);
  },
};

function applyStep<Kind extends AugmentationKind>(
  image: RawImage,
  step: AugmentationStep<Kind>,
  random: Random,
  frame: Frame,
): RawImage {
  const apply: Apply<Kind> = APPLY[step.kind];
  return apply(image, step, random, frame);
}

/** Where a window of `wanted` begins in `size`; an image that is too small lies in its middle. */
function anywhere(size: number, wanted: number, random: Random): number {
  return size < wanted ? -Math.floor((wanted - size) / 2) : random.integer(size - wanted + 1);
}

/** The level that normalisation turns into about 0, by colour. */
function meanLevels({ colour, mean, scale }: Preprocessing): readonly number[] {
  const levels = mean.map((value) => Math.min(255, Math.max(0, Math.round(value / scale))));
  if (CHANNELS[colour] === 1) return [levels[0]!, levels[0]!, levels[0]!];
  return colour === "bgr" ? levels.toReversed() : levels;
}
