/** The options that say which images calibrate and which judge. */
import { imageOptions } from "../input/image-options.ts";

export const calibrationOptions = imageOptions("", "to calibrate with");
export const evaluationOptions = imageOptions(
  "eval-",
  "to judge the result by, never seen before the final figure (default: a part of --images, kept apart)",
);
