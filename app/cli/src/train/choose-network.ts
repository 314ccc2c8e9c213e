/** What is trained: a model from a file, or a new network that fits the images. */
import { extname } from "node:path";
import type { Model } from "@cupel/onnx";
import {
  choosePreprocessing,
  classesOf,
  firstLook,
  matchLabels,
  openModel,
  orderSentence,
  withoutLabels,
} from "@cupel/predict";
import { networkForImages, type TrainingConfig } from "@cupel/train";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import type { CommandContext } from "../commands/command.ts";
import { remarkPreprocessing } from "../input/preprocessing-option.ts";

export interface ChosenNetwork {
  readonly network: Model;
  readonly preprocessing: Preprocessing;
  /** Of a model from a file whose classes have no names, so that labels meet them by their order; else null. */
  readonly nameless: string | null;
}

/** @throws what `openModel` and `networkForImages` throw */
export async function chooseNetwork(
  { network: subject, preprocessing, classes: names, seed = 1 }: TrainingConfig,
  images: ImageSource,
  { threads, signal, progress, remark }: CommandContext,
): Promise<ChosenNetwork> {
  if (extname(subject) === ".onnx") {
    const opened = await openModel(subject);
    const classes = classesOf(opened.model, names === undefined ? null : images.classes);
    const usual = choosePreprocessing(opened, preprocessing);
    const labelled = matchLabels(images, classes).images ?? withoutLabels(images);
    const { chosen } = await firstLook(subject, opened, usual, labelled, { threads, seed, signal, progress });
    remarkPreprocessing(subject, chosen, remark);
    return {
      network: opened.model,
      preprocessing: chosen.preprocessing,
      nameless: classes.names === null ? orderSentence("index", classes) : null,
    };
  }
  const built = await networkForImages(subject, images, { preprocessing, seed });
  if (built.remark !== null) remark(built.remark);
  return { ...built, nameless: null };
}
