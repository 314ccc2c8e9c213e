/**
 * Augmentation carried out: a pure function of the pixels and of one number, from which all the draws of a
 * picture come. Whatever thread does it, and whenever, the pixels are the same.
 */
import { createRandom, type Random } from "@cupel/base";
import type { RawPicture } from "../picture.ts";
import { CHANNELS, type Preprocessing } from "../preprocessing/preprocessing.ts";
import { resample } from "../tensors/resample.ts";
import type { Augmentation, AugmentationKind, AugmentationStep } from "./augmentation.ts";
import { changeColour } from "./colour.ts";
import { fillBox, flipHorizontal, flipVertical, turn, windowOf } from "./geometry.ts";
import { resizedCropBox } from "./resized-crop.ts";

/** `seed`, a whole number up to 2^53, decides every draw. The given picture stays as it is. */
export type Augmenter = (picture: RawPicture, seed: number) => RawPicture;

/** @param preprocessing gives the size of the tensor, the interpolation, and the mean that `erase` leaves. */
export function createAugmenter(augmentation: Augmentation, preprocessing: Preprocessing): Augmenter {
  const frame: Frame = { preprocessing, mean: meanLevels(preprocessing) };
  return (picture, seed) => {
    const random = createRandom(seed);
    return augmentation.reduce((changed, step) => applyStep(changed, step, random, frame), picture);
  };
}

interface Frame {
  readonly preprocessing: Preprocessing;
  /** Red, green, blue. */
  readonly mean: readonly number[];
}

type Apply<Kind extends AugmentationKind> = (
  picture: RawPicture,
  step: AugmentationStep<Kind>,
  random: Random,
  frame: Frame,
) => RawPicture;

const APPLY: { readonly [Kind in AugmentationKind]: Apply<Kind> } = {
  flip: (picture, { probability }, random) =>
    random.uniform() < probability ? flipHorizontal(picture) : picture,
  "flip-vertical": (picture, { probability }, random) =>
    random.uniform() < probability ? flipVertical(picture) : picture,
  crop(picture, { padding }, random, { preprocessing: { width, height } }) {
    const left = anywhere(picture.width + 2 * padding, width, random) - padding;
    const top = anywhere(picture.height + 2 * padding, height, random) - padding;
    return windowOf(picture, { left, top, width, height }, "black");
  },
  "resized-crop"(picture, step, random, { preprocessing }) {
    const box = resizedCropBox(picture, step, random);
    return resample(windowOf(picture, box, "black"), preprocessing, preprocessing.interpolation);
  },
  shift(picture, { pixels, fill }, random) {
    const left = random.integer(2 * pixels + 1) - pixels;
    const top = random.integer(2 * pixels + 1) - pixels;
    const { width, height } = picture;
    return windowOf(picture, { left, top, width, height }, fill);
  },
  rotate(picture, _, random) {
    let turned = picture;
    for (let turns = random.integer(4); turns > 0; turns--) turned = turn(turned);
    return turned;
  },
  colour(picture, { brightness, contrast, saturation }, random) {
    const factor = (strength: number): number => 1 + strength * (2 * random.uniform() - 1);
    return changeColour(picture, {
      brightness: factor(brightness),
      contrast: factor(contrast),
      saturation: factor(saturation),
    });
  },
  erase(picture, { size }, random, { mean }) {
    const left = random.integer(picture.width) - Math.floor(size / 2);
    const top = random.integer(picture.height) - Math.floor(size / 2);
    const levels = picture.channels === 1 ? mean.slice(1, 2) : mean;
    return fillBox(picture, { left, top, width: size, height: size }, levels);
  },
};

function applyStep<Kind extends AugmentationKind>(
  picture: RawPicture,
  step: AugmentationStep<Kind>,
  random: Random,
  frame: Frame,
): RawPicture {
  const apply: Apply<Kind> = APPLY[step.kind];
  return apply(picture, step, random, frame);
}

/** Where a window of `wanted` begins in `size`; a picture that is too small lies in its middle. */
function anywhere(size: number, wanted: number, random: Random): number {
  return size < wanted ? -Math.floor((wanted - size) / 2) : random.integer(size - wanted + 1);
}

/** The level that normalisation turns into about 0, by colour. */
function meanLevels({ colour, mean, scale }: Preprocessing): readonly number[] {
  const levels = mean.map((value) => Math.min(255, Math.max(0, Math.round(value / scale))));
  if (CHANNELS[colour] === 1) return [levels[0]!, levels[0]!, levels[0]!];
  return colour === "bgr" ? levels.toReversed() : levels;
}
