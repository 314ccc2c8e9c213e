/**
 * Preprocessing as data: everything between a decoded image and the input tensor of a model, in a form
 * that fits into JSON and so into the model's own metadata.
 *
 * In order: resize, centre crop to `width` x `height` (what is smaller is padded with black, both as in
 * torchvision's CenterCrop), choose channels, then per channel c: (x * scale - mean[c]) / std[c] with x
 * in 0..255.
 */

export type Colour = "rgb" | "bgr" | "grey";

/** Sizes are in pixels; the other side keeps the proportion. */
export type Resize =
  | { readonly kind: "none" }
  /** Both sides to the size of the tensor, whatever the proportion. */
  | { readonly kind: "stretch" }
  /** torchvision's Resize(size): the crop then cuts the longer side. */
  | { readonly kind: "short-side"; readonly size: number }
  /** Letter-box: the crop then pads the shorter side. */
  | { readonly kind: "long-side"; readonly size: number };

export type Interpolation = "nearest" | "bilinear" | "bicubic" | "lanczos";

export type Layout = "NCHW" | "NHWC";

export interface Preprocessing {
  /** Of the tensor, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The channels of the tensor in order. Grey is luma after ITU-R BT.601, as Pillow computes it. */
  readonly colour: Colour;
  readonly resize: Resize;
  /** All but `nearest` smooth when they shrink, as Pillow does. */
  readonly interpolation: Interpolation;
  readonly layout: Layout;
  /** Multiplies 0..255: 1/255 gives 0..1. */
  readonly scale: number;
  /** One for each channel of the tensor, in its order (for `bgr`: blue first); subtracted after `scale`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** How many channels a colour has. */
export const CHANNELS: Readonly<Record<Colour, 1 | 3>> = { rgb: 3, bgr: 3, grey: 1 };

/** `[N, C, H, W]` or `[N, H, W, C]`. */
export type TensorDims = readonly [number, number, number, number];

/** Dimensions of a tensor of `count` images. */
export function tensorDims(preprocessing: Preprocessing, count: number): TensorDims {
  const { width, height, colour, layout } = preprocessing;
  const channels = CHANNELS[colour];
  return layout === "NCHW" ? [count, channels, height, width] : [count, height, width, channels];
}
