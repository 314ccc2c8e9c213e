/** Rows of the gradient check: the convolution operators. */
import { attribute } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";

interface Convolution {
  readonly channels: number;
  readonly filters: number;
  readonly group?: number;
  readonly batch?: number;
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly autoPad?: string;
  readonly bias?: boolean;
}

function attributesOf({ kernel, strides, dilations, pads, autoPad, group }: Convolution) {
  return {
    kernel_shape: attribute.ints(kernel),
    ...(strides ? { strides: attribute.ints(strides) } : {}),
    ...(dilations ? { dilations: attribute.ints(dilations) } : {}),
    ...(pads ? { pads: attribute.ints(pads) } : {}),
    ...(autoPad ? { auto_pad: attribute.string(autoPad) } : {}),
    ...(group ? { group: attribute.int(group) } : {}),
  };
}

function conv(variant: string, draw: (size: () => number) => Convolution): GradientCase {
  return {
    opType: "Conv",
    variant,
    draw: (random) => {
      const given = draw(() => 5 + random.integer(4));
      const { channels, filters, group = 1, batch = 2, sizes, kernel, bias } = given;
      return {
        inputs: [
          { dims: [batch, channels, ...sizes] },
          { dims: [filters, channels / group, ...kernel] },
          ...(bias ? [{ dims: [filters] }] : []),
        ],
        attributes: attributesOf(given),
      };
    },
  };
}

function convTranspose(
  variant: string,
  given: Convolution & { readonly padding?: readonly number[]; readonly shape?: readonly number[] },
): GradientCase {
  const { channels, filters, group = 1, batch = 2, sizes, kernel, bias, padding, shape } = given;
  return {
    opType: "ConvTranspose",
    variant,
    draw: () => ({
      inputs: [
        { dims: [batch, channels, ...sizes] },
        { dims: [channels, filters / group, ...kernel] },
        ...(bias ? [{ dims: [filters] }] : []),
      ],
      attributes: {
        ...attributesOf(given),
        ...(padding ? { output_padding: attribute.ints(padding) } : {}),
        ...(shape ? { output_shape: attribute.ints(shape) } : {}),
      },
    }),
  };
}

const few = { channels: 3, filters: 4 };
const square = [3, 3];

export const convolutionCases: readonly GradientCase[] = [
  conv("padding and bias", (size) => ({
    ...few,
    sizes: [size(), size()],
    kernel: square,
    pads: [1, 1, 1, 1],
    bias: true,
  })),
  conv("images larger than 7x7", () => ({
    ...few,
    sizes: [17, 18],
    kernel: [3, 2],
    pads: [1, 0, 2, 1],
  })),
  conv("stride 2, images larger than 7x7", () => ({
    ...few,
    sizes: [17, 18],
    kernel: square,
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    bias: true,
  })),
  conv("pads beyond the kernel", () => ({
    ...few,
    sizes: [15, 16],
    kernel: [2, 2],
    pads: [2, 0, 0, 3],
  })),
  conv("stride 2, remainders", (size) => ({
    ...few,
    sizes: [size(), size()],
    kernel: square,
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  })),
  conv("strides, dilations and uneven pads", () => ({
    ...few,
    sizes: [11, 12],
    kernel: [3, 2],
    strides: [2, 3],
    dilations: [2, 3],
    pads: [0, 2, 1, 1],
  })),
  conv("groups", (size) => ({
    channels: 4,
    filters: 6,
    group: 2,
    sizes: [size(), size()],
    kernel: square,
    pads: [1, 1, 1, 1],
  })),
  conv("groups, stride 2, dilation 2", (size) => ({
    channels: 4,
    filters: 6,
    group: 2,
    sizes: [size() + 2, size() + 2],
    kernel: square,
    strides: [2, 2],
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
  })),
  conv("groups, 1x1, stride 2", (size) => ({
    channels: 4,
    filters: 6,
    group: 2,
    sizes: [size(), size()],
    kernel: [1, 1],
    strides: [2, 2],
  })),
  conv("1x1", (size) => ({ ...few, sizes: [size(), size()], kernel: [1, 1], bias: true })),
  conv("1x1, groups, large", () => ({
    channels: 4,
    filters: 6,
    group: 2,
    sizes: [16, 16],
    kernel: [1, 1],
  })),
  conv("depthwise", (size) => ({
    channels: 4,
    filters: 4,
    group: 4,
    sizes: [size(), size()],
    kernel: square,
    pads: [1, 1, 1, 1],
  })),
  conv("depthwise, strides", (size) => ({
    channels: 4,
    filters: 4,
    group: 4,
    sizes: [size(), size()],
    kernel: square,
    strides: [2, 1],
    pads: [1, 1, 1, 1],
  })),
  conv("depthwise, two filters a channel", (size) => ({
    channels: 3,
    filters: 6,
    group: 3,
    sizes: [size(), size()],
    kernel: square,
  })),
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map((autoPad) =>
    conv(`auto_pad ${autoPad}`, (size) => ({
      ...few,
      sizes: [size(), size()],
      kernel: [4, 3],
      strides: [2, 1],
      autoPad,
    })),
  ),
  conv("one dimension", (size) => ({
    ...few,
    sizes: [size()],
    kernel: [3],
    strides: [2],
    pads: [0, 1],
    bias: true,
  })),
  conv("three dimensions", () => ({
    ...few,
    batch: 1,
    sizes: [4, 5, 4],
    kernel: [2, 3, 2],
    strides: [1, 2, 1],
    pads: [1, 0, 0, 0, 1, 1],
  })),
  convTranspose("", { ...few, sizes: [4, 5], kernel: square, bias: true }),
  convTranspose("strides, pads, output padding", {
    ...few,
    sizes: [4, 5],
    kernel: square,
    strides: [2, 3],
    pads: [1, 0, 0, 1],
    padding: [1, 2],
  }),
  convTranspose("groups, dilations", {
    channels: 4,
    filters: 6,
    group: 2,
    sizes: [4, 5],
    kernel: square,
    strides: [2, 1],
    dilations: [2, 2],
  }),
  convTranspose("output_shape", { ...few, sizes: [4, 5], kernel: square, strides: [2, 2], shape: [8, 10] }),
  ...["SAME_UPPER", "SAME_LOWER"].map((autoPad) =>
    convTranspose(`auto_pad ${autoPad}`, { ...few, sizes: [4, 5], kernel: [4, 3], strides: [3, 2], autoPad }),
  ),
  convTranspose("one dimension", { ...few, sizes: [6], kernel: [3], strides: [2] }),
];
