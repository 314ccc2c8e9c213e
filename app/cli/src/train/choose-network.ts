/** What is trained: a model from a file, or a new network that fits the images. */
import { extname } from "node:path";
import type { Model } from "@cupel/onnx";
import { openModel } from "@cupel/predict";
import { networkForImages, type TrainingConfig } from "@cupel/train";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { preprocessingOf } from "../input/preprocessing-option.ts";

export interface ChosenNetwork {
  readonly network: Model;
  readonly preprocessing: Preprocessing;
}

/** @throws what `openModel` and `networkForImages` throw */
export async function chooseNetwork(
  { network: subject, preprocessing, seed = 1 }: TrainingConfig,
  images: ImageSource,
  remark: (sentence: string) => void,
): Promise<ChosenNetwork> {
  if (extname(subject) === ".onnx") {
    const opened = await openModel(subject);
    return { network: opened.model, preprocessing: preprocessingOf(opened, preprocessing, remark) };
  }
  const built = await networkForImages(subject, images, { preprocessing, seed });
  if (built.remark !== null) remark(built.remark);
  return built;
}
