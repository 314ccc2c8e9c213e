/** What is trained: a model from a file, or a new network that fits the images. */
import { extname } from "node:path";
import type { Model } from "@cupel/onnx";
import type { InputSize } from "@cupel/train";
import {
  type ImageSource,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
  tensorDims,
} from "@cupel/vision";
import { choosePreprocessing } from "../subject/choose-preprocessing.ts";
import { openModel } from "../subject/open-model.ts";
import { parseNetwork } from "./network-spec.ts";

export interface ChosenNetwork {
  readonly network: Model;
  readonly preprocessing: Preprocessing;
}

export interface NetworkChoice {
  /** A path that ends in .onnx, or a network by name. */
  readonly subject: string;
  readonly images: ImageSource;
  /** On the command line. */
  readonly preprocessing: string | undefined;
  readonly seed: number;
  remark(sentence: string): void;
}

/** Of images whose files do not say it without being decoded. */
const usualInput: InputSize = [3, 224, 224];

/** @throws what `openModel` throws, TRAINING_CONFIG_INVALID, PREPROCESSING_INVALID */
export async function chooseNetwork(choice: NetworkChoice): Promise<ChosenNetwork> {
  const { subject, images, seed, remark } = choice;
  if (extname(subject) === ".onnx") {
    const opened = await openModel(subject);
    const preprocessing = choosePreprocessing(opened, choice.preprocessing, remark);
    return { network: opened.model, preprocessing };
  }
  const spec = parseNetwork(subject);
  const size = spec.input ?? (await sizeOf(images, choice));
  const base = preprocessingFor([null, ...size]);
  const preprocessing =
    choice.preprocessing === undefined ? base : parsePreprocessing(choice.preprocessing, base);
  const [, channels, height, width] = tensorDims({ ...preprocessing, layout: "NCHW" }, 1);
  const classes = spec.classes ?? classesOf(images);
  const network = spec.build({ classes, input: [channels, height, width], seed });
  return { network, preprocessing };
}

async function sizeOf(images: ImageSource, { remark }: NetworkChoice): Promise<InputSize> {
  const first = await images.image(0);
  if (first.kind === "raw") return [first.channels, first.height, first.width];
  remark(
    `The network is built for images of ${usualInput.join(" x ")}; for another size, write input=3x64x64 behind its name.`,
  );
  return usualInput;
}

function classesOf({ classes, length, label }: ImageSource): number {
  if (classes !== null) return classes.length;
  let largest = 0;
  for (let i = 0; i < length; i++) largest = Math.max(largest, label(i) ?? 0);
  return largest + 1;
}
