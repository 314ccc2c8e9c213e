/**
 * Which images calibrate and which judge. The two never overlap where that can be had: without images
 * for evaluation, some are kept apart from the others before anything looks at them.
 */
import { classesOf, matchLabels, type OpenedModel, requireLabels, withoutLabels } from "@cupel/predict";
import { type ImageSource, split } from "@cupel/vision";
import { type Given, required } from "../arguments/parse.ts";
import { imageOptions, openGiven } from "../input/image-options.ts";
import { countText, numberOf } from "../terminal/figures.ts";

export const calibrationOptions = imageOptions("", "to calibrate with");
export const evaluationOptions = imageOptions(
  "eval-",
  "to judge the result by, never seen before the final figure (default: a part of --images, kept apart)",
);

export interface ChosenImages {
  readonly calibration: ImageSource;
  readonly evaluation: ImageSource;
}

/** Of a set without images for evaluation, this share is kept apart, ... */
const keptApart = 0.2;
/** ... at most this many, ... */
const mostKeptApart = 1000;
/** ... and none of a set smaller than this. */
const leastToSplit = 20;

/** @throws what `openImages` throws, LABELS_MISMATCH */
export async function chooseImages(
  given: Given,
  opened: OpenedModel,
  seed: number,
  remark: (sentence: string) => void,
): Promise<ChosenImages> {
  const classes = classesOf(opened.model);
  const evaluationPath = given.get(evaluationOptions.images);
  const found = await openGiven(given, calibrationOptions, required(given, calibrationOptions.images));
  const labelsMeant = given.has(calibrationOptions.labels) || given.has(calibrationOptions.labelColumn);
  const { images, problem } = labelsMeant
    ? { images: requireLabels(found, classes), problem: null }
    : matchLabels(found, classes);
  // Class folders may be there for order only: any images of the right kind will calibrate.
  if (problem !== null) remark(`${problem}. Its labels are not used.`);
  const calibration = images ?? withoutLabels(found);
  if (evaluationPath !== undefined) {
    const evaluation = await openGiven(given, evaluationOptions, evaluationPath);
    return { calibration, evaluation: requireLabels(evaluation, classes) };
  }
  if (calibration.length < leastToSplit) {
    remark(
      `There are no --eval-images, and ${numberOf(calibration.length, "image")} are too few to keep some apart: ` +
        "the report judges by the images it calibrated with, so its accuracy is optimistic.",
    );
    return { calibration, evaluation: calibration };
  }
  const share = Math.min(keptApart, mostKeptApart / calibration.length);
  const { rest, heldOut } = split(calibration, share, seed);
  remark(
    `There are no --eval-images: ${countText(heldOut.length)} of the ${countText(calibration.length)} images were kept apart to judge by.`,
  );
  return { calibration: rest, evaluation: heldOut };
}
