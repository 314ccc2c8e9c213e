/**
 * Well-known normalisations, and the guess that is made for a model without preprocessing in its metadata.
 */
import { visionErrors } from "../errors.ts";
import { CHANNELS, type Colour, type Layout, type Preprocessing, type Resize } from "./preprocessing.ts";

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
  const spread = (values: readonly number[]): readonly number[] | null => {
    if (values.length === 1) return Array.from({ length: CHANNELS[colour] }, () => values[0]!);
    if (values.length !== CHANNELS[colour]) return null;
    return colour === "bgr" ? values.toReversed() : values;
  };
  const [means, deviations] = [spread(mean), spread(std)];
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

/**
 * A GUESS from nothing but the input shape (`[N, C, H, W]` or `[N, H, W, C]`; anything but a positive
 * number is an open dimension): three channels are taken for RGB with the `imagenet` preset, one channel
 * for grey with `tf`. A shape does not say how a model was trained: check the guess against a known accuracy,
 * and override it with `parsePreprocessing`. @throws PREPROCESSING_INVALID
 */
export function preprocessingFor(inputShape: readonly (number | string | bigint | null)[]): Preprocessing {
  const dims = inputShape.map((dim) => (typeof dim === "number" && dim > 0 ? dim : null));
  const layout = layoutOf(dims);
  if (layout === null) {
    throw visionErrors.error(
      "PREPROCESSING_INVALID",
      `An input of shape [${inputShape.join(", ")}] is not an image: expected [N, C, H, W] or [N, H, W, C] with 1 or 3 channels. ` +
        "Give the preprocessing in full.",
      { details: { shape: inputShape.map(String) } },
    );
  }
  const [, channels, height, width] = layout === "NCHW" ? dims : [dims[0], dims[3], dims[1], dims[2]];
  const colour: Colour = channels === 1 ? "grey" : "rgb";
  const size = { width: width ?? height ?? DEFAULT_SIDE, height: height ?? width ?? DEFAULT_SIDE };
  // Three-channel presets have three values and grey uses a one-value preset, so neither is ever null.
  const normalisation = normalisationOf(colour === "grey" ? "tf" : "imagenet", colour) ?? PRESETS.raw;
  return {
    ...size,
    colour,
    resize: resizeFor(size),
    interpolation: "bilinear",
    layout,
    ...normalisation,
  };
}

function layoutOf(dims: readonly (number | null)[]): Layout | null {
  if (dims.length !== 4) return null;
  const isChannels = (dim: number | null | undefined): boolean => dim === 1 || dim === 3;
  if (isChannels(dims[1])) return "NCHW";
  return isChannels(dims[3]) ? "NHWC" : null;
}

function resizeFor({ width, height }: { width: number; height: number }): Resize {
  if (width !== height) return { kind: "stretch" };
  return {
    kind: "short-side",
    size: width < SIDE_WITH_MARGIN ? width : Math.round((width * 256) / 224),
  };
}
