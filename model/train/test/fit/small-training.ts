/** What trainings of these tests share: a network that learns to tell `stripes` apart in a second, on one thread. */
import type { Model } from "@cupel/onnx";
import { type FitOptions, resnetCifar } from "@cupel/train";
import { preprocessing, side } from "./stripes.ts";

/** [N, 1, 8, 8] to three classes. */
export function smallNetwork({ width = 4, classes = 3, seed = 3 } = {}): Model {
  return resnetCifar({ depth: 8, width, classes, input: [1, side, side], seed });
}

/** To be completed with images and epochs. */
export const small: Omit<FitOptions, "train" | "epochs"> = {
  preprocessing,
  batch: 16,
  schedule: { kind: "constant", learningRate: 0.01 },
  threads: 1,
  loader: { workers: 0 },
};
