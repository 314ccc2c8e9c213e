/** What is compressed with what in tests of the whole pipeline. */
import assert from "node:assert/strict";
import type { Model } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";
import { type CompressOptions, defaultRecipe, parseRecipe, type Recipe } from "../../src/index.ts";
import type { StageContext } from "../../src/stage/stage.ts";
import { noiseImages, plain } from "./images.ts";
import { feed } from "./run.ts";

/** For stages that do not search widths. */
export const unmeasured = (original: Model): Pick<StageContext, "original" | "stopwatch" | "finish"> => ({
  original,
  stopwatch: {
    layers: async () => assert.fail("nothing is to be timed"),
    networks: async () => assert.fail("nothing is to be timed"),
  },
  finish: async () => assert.fail("nothing is to be finished"),
});

/** As most tests compress: 24 images of noise, 8 bits. */
export const options = (changes: Partial<CompressOptions> = {}): CompressOptions => ({
  images: noiseImages(24),
  preprocessing: plain(),
  recipe: defaultRecipe(8),
  threads: 1,
  ...changes,
});

export const quantise = (changes: object, calibrate: object = {}, target: object = {}): Recipe =>
  parseRecipe(
    {
      stages: [{ stage: "clean" }, { stage: "calibrate", ...calibrate }, { stage: "quantise", ...changes }],
      target,
    },
    "test",
  );

/** Within what the images of noise hold. */
export const pixels = (dims = [4, 3, 8, 8]): TensorData => {
  const { data, ...rest } = feed(dims);
  return { ...rest, data: Float32Array.from(data as Float32Array, (x) => Math.max(-1.7, Math.min(1.7, x))) };
};
