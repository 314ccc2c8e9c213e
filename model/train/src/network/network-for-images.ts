/** A network by name, built for the images it is to be trained on. */
import type { Model } from "@cupel/onnx";
import {
  type ImageSource,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
  tensorDims,
  visionErrors,
} from "@cupel/vision";
import type { InputSize } from "./network-builder.ts";
import { parseNetwork } from "./network-spec.ts";

export interface NetworkForImages {
  readonly network: Model;
  readonly preprocessing: Preprocessing;
  /** A sentence where the size was not known and had to be chosen; else null. */
  readonly remark: string | null;
}

/** Of images whose files do not say it without being decoded. */
const usualInput: InputSize = [3, 224, 224];

/**
 * Classes and input size are those of the images, unless `spec` names them.
 * @param spec such as "resnet50:width=32,stem=cifar"
 * @param options `preprocessing` as `parsePreprocessing` takes it. Default: guessed from the size
 * @throws TRAINING_CONFIG_INVALID, PREPROCESSING_INVALID, IMAGES_UNREADABLE; LABELS_MISMATCH for labels without
 * names that leave gaps, where `spec` does not say how many classes there are
 */
export async function networkForImages(
  spec: string,
  images: ImageSource,
  {
    preprocessing: changes = "",
    seed,
  }: { readonly preprocessing?: string | undefined; readonly seed: number },
): Promise<NetworkForImages> {
  const { classes, input, build } = parseNetwork(spec);
  const known = input ?? (await sizeOf(images));
  const preprocessing = parsePreprocessing(changes, preprocessingFor([null, ...(known ?? usualInput)]));
  const [, channels, height, width] = tensorDims({ ...preprocessing, layout: "NCHW" }, 1);
  return {
    network: build({ classes: classes ?? classCountOf(images), input: [channels, height, width], seed }),
    preprocessing,
    remark:
      known === null
        ? `The network is built for images of ${usualInput.join(" x ")}; for another size, write input=3x64x64 behind its name.`
        : null,
  };
}

async function sizeOf(images: ImageSource): Promise<InputSize | null> {
  const first = await images.image(0);
  return first.kind === "raw" ? [first.channels, first.height, first.width] : null;
}

/** Numbers count as classes only from 0 and without gaps: 7 and 1000 are two classes rather than 1001. */
function classCountOf({ location, classes, length, label }: ImageSource): number {
  if (classes !== null) return classes.length;
  const labels = new Set<number>();
  for (let i = 0; i < length; i++) labels.add(label(i) ?? 0);
  const count = Math.max(0, ...labels) + 1;
  if (labels.size === 0 || labels.size === count) return count;
  let missing = 0;
  while (labels.has(missing)) missing++;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${location} has ${labels.size} different labels between ${Math.min(...labels)} and ${count - 1}, and none of its images has label ${missing}: how many classes there are is not known. ` +
      `Number the labels from 0 without gaps, use names for them, or write classes=${count} behind the network's name if classes without images are meant.`,
    { details: { location, labels: labels.size, largest: count - 1, missing } },
  );
}
