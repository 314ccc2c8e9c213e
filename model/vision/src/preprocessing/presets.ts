/**
 * Well-known normalisations, and the guess that is made for a model without preprocessing in its metadata.
 */
import { own } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import { type InputSize, imageShapeOf } from "../tensors/input-form.ts";
import { CHANNELS, type Colour, type Preprocessing, type Resize } from "./preprocessing.ts";

/** Values are for red, green, blue; a single value is for any number of channels. */
interface Normalisation {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export const PRESETS = {
  /** torchvision's classification models. */
  imagenet: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  /** Keras' "tf" mode: x / 127.5 - 1, in -1..1. */
  tf: { scale: 1 / 127.5, mean: [1], std: [1] },
  /** x / 255, in 0..1. */
  unit: { scale: 1 / 255, mean: [0], std: [1] },
  /** 0..255 as decoded. */
  raw: { scale: 1, mean: [0], std: [1] },
  /** Mean and deviation of the CIFAR-10 training set. */
  cifar10: { scale: 1 / 255, mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  /** Mean and deviation of the MNIST training set, as PyTorch's example has them. */
  mnist: { scale: 1 / 255, mean: [0.1307], std: [0.3081] },
  /** Caffe's and Keras' "caffe" mode: 0..255 minus ImageNet's mean; such models take bgr. */
  caffe: { scale: 1, mean: [123.68, 116.779, 103.939], std: [1, 1, 1] },
} as const satisfies Readonly<Record<string, Normalisation>>;

export type PresetName = keyof typeof PRESETS;

export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(PRESETS, name);
}

/** The preset for the channels of `colour`; null when it is for three channels and there is one. */
export function normalisationOf(name: PresetName, colour: Colour): Normalisation | null {
  const { scale, mean, std } = PRESETS[name];
  const spread = (key: "mean" | "std", values: readonly number[]): readonly number[] | null => {
    if (values.length === 1) return Array.from({ length: CHANNELS[colour] }, () => values[0]!);
    // Alpha is not a colour: it keeps its share of 255.
    if (colour === "rgba") return [...values, key === "mean" ? 0 : 1];
    if (values.length !== CHANNELS[colour]) return null;
    return colour === "bgr" ? values.toReversed() : values;
  };
  const [means, deviations] = [spread("mean", mean), spread("std", std)];
  return means === null || deviations === null ? null : { scale, mean: means, std: deviations };
}

/** The preset that normalises like this; null when none does. */
export function presetOf({ colour, scale, mean, std }: Preprocessing): PresetName | null {
  const same = (a: readonly number[], b: readonly number[]) => a.every((value, c) => value === b[c]);
  const found = Object.keys(PRESETS)
    .filter(isPresetName)
    .find((name) => {
      const preset = normalisationOf(name, colour);
      return preset !== null && preset.scale === scale && same(preset.mean, mean) && same(preset.std, std);
    });
  return found ?? null;
}

/** Side of a tensor whose input shape leaves it open. */
const DEFAULT_SIDE = 224;

/** From this side on, models are commonly evaluated on a crop of a somewhat larger image: 224 of 256. */
const SIDE_WITH_MARGIN = 128;

/** Types whose values are those of the pixels: int8 counts from -128. */
const pixelTypes: Readonly<Record<string, number>> = {
  uint8: 0,
  uint16: 0,
  uint32: 0,
  uint64: 0,
  int8: 128,
  int16: 0,
  int32: 0,
  int64: 0,
};

/** What the elements of an input hold of a pixel, where their type says it; null where it does not. */
export function normalisationOfType(elementType: string, colour: Colour): Normalisation | null {
  const zero = own(pixelTypes, elementType) ?? null;
  if (zero === null) return null;
  const all = (value: number) => Array.from({ length: CHANNELS[colour] }, () => value);
  return { scale: 1, mean: all(zero), std: all(1) };
}

/**
 * A GUESS from nothing but the input's shape (see `imageShapeOf`; anything but a positive number is an open
 * dimension) and type: three channels are taken for RGB and four for RGBA with the `imagenet` preset, one channel for
 * grey with `tf`; whole numbers for the pixels as they are. A shape does not say how a model was trained: check the
 * guess against a known accuracy, and override it with `parsePreprocessing`. @throws PREPROCESSING_INVALID
 */
export function preprocessingFor(inputShape: readonly InputSize[], elementType = "float32"): Preprocessing {
  const shape = imageShapeOf(inputShape);
  if (shape === null) {
    throw visionErrors.error(
      "PREPROCESSING_INVALID",
      `An input of shape [${inputShape.join(", ")}] is not an image: expected [N, C, H, W], [N, H, W, C] or one of them without N, ` +
        "with 1, 3 or 4 channels. Give the preprocessing in full, such as preset=imagenet,colour=rgb,layout=NCHW,crop=224.",
      { details: { shape: inputShape.map(String) } },
    );
  }
  const { layout, channels, height, width } = shape;
  const colour: Colour = channels === 1 ? "grey" : channels === 4 ? "rgba" : "rgb";
  const size = { width: width ?? height ?? DEFAULT_SIDE, height: height ?? width ?? DEFAULT_SIDE };
  // Every colour has all values of its preset, so that neither is ever null.
  const normalisation =
    normalisationOfType(elementType, colour) ??
    normalisationOf(colour === "grey" ? "tf" : "imagenet", colour) ??
    PRESETS.raw;
  return {
    ...size,
    colour,
    resize: resizeFor(size),
    interpolation: "bilinear",
    layout,
    ...normalisation,
  };
}

function resizeFor({ width, height }: { width: number; height: number }): Resize {
  if (width !== height) return { kind: "stretch" };
  return {
    kind: "short-side",
    size: width < SIDE_WITH_MARGIN ? width : Math.round((width * 256) / 224),
  };
}
