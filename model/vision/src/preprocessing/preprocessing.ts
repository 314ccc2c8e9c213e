/**
 * Preprocessing as a document: everything between a decoded image and the input tensor of a model, in a
 * form that fits into JSON and so into the model's own metadata.
 *
 * In order: resize, centre crop to `width` x `height` (what is smaller is padded, with black on both sides
 * unless `pad` says otherwise, both as in torchvision's CenterCrop), choose channels, then per channel c:
 * (x * scale - mean[c]) / std[c] with x in 0..255. With a `multiple` the tensor is as large as the image needs.
 */
import type { Schema } from "@cupel/base";
import type { XStatic } from "typebox/schema";

/** The largest side of a tensor: 16384 squared RGB is 3.2 GB of floats, beyond any vision model. */
const maxSide = 16384;
const side = {
  type: "integer",
  minimum: 1,
  maximum: maxSide,
  expects: `a whole number of pixels, 1 to ${maxSide}`,
} as const;

export const preprocessingSchema = {
  type: "object",
  properties: {
    width: { ...side, description: "Of the tensor, in pixels." },
    height: { ...side, description: "Of the tensor, in pixels." },
    colour: {
      enum: ["rgb", "bgr", "grey", "rgba"],
      description:
        "The channels of the tensor in order. Grey is luma after ITU-R BT.601, as Pillow computes it. " +
        "The fourth of rgba is 255 throughout, for images are opaque: transparency is flattened on white.",
    },
    resize: {
      anyOf: [
        {
          type: "object",
          properties: { kind: { enum: ["none", "stretch", "letter-box", "fit-height"] } },
          required: ["kind"],
          additionalProperties: false,
        },
        {
          type: "object",
          properties: { kind: { enum: ["short-side", "long-side"] }, size: side },
          required: ["kind", "size"],
          additionalProperties: false,
        },
      ],
      expects:
        'an object with the kind "none", "stretch", "letter-box", "fit-height", "short-side" or "long-side", the last two with a size in pixels',
      description:
        "Before the crop. stretch: both sides to the size of the tensor. The others keep the proportion: " +
        "short-side is torchvision's Resize(size), and the crop then cuts the longer side; long-side: " +
        "the crop then pads the shorter side; letter-box: as large as fits into the tensor, of which the rest is padded; " +
        "fit-height: the height to that of the tensor and the width with it, as readers of text lines take them " +
        "(a line too long for the tensor is narrowed to its width).",
    },
    pad: {
      type: "object",
      properties: {
        value: { type: "number", minimum: 0, maximum: 255, expects: "a number in 0..255" },
        side: { enum: ["both", "end"] },
      },
      required: ["value", "side"],
      additionalProperties: false,
      expects: 'an object with a value in 0..255 and the side "both" or "end"',
      description:
        "What fills the tensor where the image is smaller. value: of every channel, before scale, mean and std. side: both " +
        "centres the image; end leaves it in the first corner and pads right and below. Absent: 0 on both sides.",
    },
    multiple: {
      ...side,
      description:
        "The sides of the tensor are those of the resized image, rounded up to a multiple of this, and width and height at most: " +
        "the tensor then has another size for other images. Absent: every tensor has the width and height.",
    },
    interpolation: {
      enum: ["nearest", "linear", "bilinear", "bicubic", "lanczos"],
      description:
        "bilinear, bicubic and lanczos smooth when they shrink, as Pillow does; linear does not, as OpenCV's INTER_LINEAR.",
    },
    layout: { enum: ["NCHW", "NHWC"], description: "Of the tensor." },
    scale: {
      type: "number",
      not: { const: 0 },
      expects: "a number other than 0",
      description: "Multiplies 0..255: 1/255 gives 0..1.",
    },
    mean: {
      type: "array",
      minItems: 1,
      items: { type: "number" },
      expects: "a list of numbers",
      description:
        "One for each channel of the tensor, in its order (for bgr: blue first); subtracted after scale.",
    },
    std: {
      type: "array",
      minItems: 1,
      items: { type: "number", exclusiveMinimum: 0 },
      expects: "a list of numbers greater than 0",
      description: "One for each channel of the tensor, in its order; divides after mean.",
    },
  },
  required: ["width", "height", "colour", "resize", "interpolation", "layout", "scale", "mean", "std"],
  additionalProperties: false,
} as const satisfies Schema;

type Declared = XStatic<typeof preprocessingSchema>;

/** Each field is described in `preprocessingSchema`. */
export type Preprocessing = {
  readonly [Key in keyof Declared]: Declared[Key] extends number[]
    ? readonly number[]
    : Readonly<Declared[Key]>;
};
export type Colour = Preprocessing["colour"];
export type Resize = Preprocessing["resize"];
export type Interpolation = Preprocessing["interpolation"];
export type Layout = Preprocessing["layout"];

/** How many channels a colour has. */
export const CHANNELS: Readonly<Record<Colour, 1 | 3 | 4>> = { rgb: 3, bgr: 3, grey: 1, rgba: 4 };

/** `[N, C, H, W]` or `[N, H, W, C]`. */
export type TensorDims = readonly [number, number, number, number];

/** Dimensions of a tensor of `count` images; of the largest where the preprocessing has a `multiple`. */
export function tensorDims(preprocessing: Preprocessing, count: number): TensorDims {
  const { width, height, colour, layout } = preprocessing;
  const channels = CHANNELS[colour];
  return layout === "NCHW" ? [count, channels, height, width] : [count, height, width, channels];
}
