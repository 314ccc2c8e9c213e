/** A network by name, built for the images it is to be trained on. */
import { CupelError } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import {
  type ImageSize,
  type ImageSource,
  imageSize,
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
  /** A sentence where the size is not that of the images and had to be chosen; else null. */
  readonly remark: string | null;
}

/** Of images that differ in size, or are larger. */
const usualInput: InputSize = [3, 224, 224];

/** Images whose size is looked at, drawn evenly over the source. */
const lookedAt = 16;

/**
 * Classes and input size are those of the images, unless `spec` names them. Images that differ in size, or have a side
 * above 224 pixels, are resized to 3 x 224 x 224.
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
  const found = input === null ? await sizeOf(images) : { size: input, remark: null };
  const preprocessing = parsePreprocessing(changes, preprocessingFor([null, ...found.size]));
  const [, channels, height, width] = tensorDims({ ...preprocessing, layout: "NCHW" }, 1);
  return {
    network: build({ classes: classes ?? classCountOf(images), input: [channels, height, width], seed }),
    preprocessing,
    remark: found.remark,
  };
}

interface FoundSize {
  readonly size: InputSize;
  /** A sentence where it is not that of the images; else null. */
  readonly remark: string | null;
}

async function sizeOf(images: ImageSource): Promise<FoundSize> {
  const sizes = await sizesOf(images);
  const [first] = sizes;
  const channels = sizes.length > 0 && sizes.every((each) => each.channels === 1) ? 1 : 3;
  const isSame = sizes.every(({ width, height }) => width === first?.width && height === first.height);
  if (first && isSame && Math.max(first.width, first.height) <= usualInput[1]) {
    return { size: [channels, first.height, first.width], remark: null };
  }
  const size: InputSize = [channels, usualInput[1], usualInput[2]];
  const areas = sizes.toSorted((a, b) => a.width * a.height - b.width * b.height);
  const text = ({ width, height }: ImageSize) => `${width} x ${height}`;
  const are = !first
    ? "The size of the images is not known"
    : isSame
      ? `The images have ${text(first)} pixels`
      : `The images differ in size, from ${text(areas[0]!)} to ${text(areas.at(-1)!)} pixels`;
  return {
    size,
    remark: `${are}. The network is built for images of ${size.join(" x ")}, to which they are resized; for another size, write input=3x64x64 behind its name.`,
  };
}

/** Of a few, as their headers say; those that cannot be read are told when they are trained on. */
async function sizesOf(images: ImageSource): Promise<ImageSize[]> {
  const count = Math.min(lookedAt, images.length);
  const sizes: ImageSize[] = [];
  for (let i = 0; i < count; i++) {
    const index = Math.floor((i * images.length) / count);
    try {
      sizes.push(await imageSize(await images.image(index), images.id(index)));
    } catch (thrown) {
      if (!(thrown instanceof CupelError) || thrown.code !== "IMAGES_UNREADABLE") throw thrown;
    }
  }
  return sizes;
}

/** Numbers count as classes only from 0 and without gaps: 7 and 1000 are two classes rather than 1001. */
function classCountOf({ location, classes, length, label }: ImageSource): number {
  if (classes !== null) return classes.length;
  const labels = new Set<number>();
  for (let i = 0; i < length; i++) labels.add(label(i) ?? 0);
  const sorted = [...labels].sort((a, b) => a - b);
  const count = (sorted.at(-1) ?? 0) + 1;
  if (labels.size === 0 || labels.size === count) return count;
  let missing = 0;
  while (labels.has(missing)) missing++;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${location} has ${labels.size} different labels between ${sorted[0]} and ${count - 1}, and none of its images has label ${missing}: how many classes there are is not known. ` +
      `Number the labels from 0 without gaps, use names for them, or write classes=${count} behind the network's name if classes without images are meant.`,
    { details: { location, labels: labels.size, largest: count - 1, missing } },
  );
}
