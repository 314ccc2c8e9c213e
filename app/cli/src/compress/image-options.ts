/** The options that say which images calibrate and which judge. */
import { imageOptions } from "../input/image-options.ts";

export const calibrationOptions = imageOptions("", "to calibrate with");
export const trainingOptions = imageOptions(
  "train-",
  "to train with, where the recipe has a stage that trains; without labels the original teaches",
);
export const evaluationOptions = imageOptions(
  "eval-",
  "to judge the result by, never seen before the final figure (default: a part of --images, kept apart)",
);
