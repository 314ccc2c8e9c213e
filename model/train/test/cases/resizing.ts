/** Rows of the gradient check: Resize. */
import { type Attribute, attribute, Tensor } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";

const { int, ints, string } = attribute;

interface Target {
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
  readonly dims?: readonly number[];
}

function resize(
  variant: string,
  { dims = [2, 2, 4, 5], scales, sizes }: Target,
  attributes: Readonly<Record<string, Attribute>>,
): GradientCase {
  return {
    opType: "Resize",
    variant,
    draw: () => ({
      inputs: [
        { dims },
        null,
        scales ? Tensor.float32([scales.length], scales) : null,
        ...(sizes ? [Tensor.int64([sizes.length], sizes)] : []),
      ],
      attributes,
    }),
  };
}

const nearest = { mode: string("nearest") };
const linear = { mode: string("linear") };
const under = (transformation: string) => ({ coordinate_transformation_mode: string(transformation) });

export const resizingCases: readonly GradientCase[] = [
  resize("nearest, twice", { scales: [1, 1, 2, 2] }, { ...nearest, ...under("asymmetric") }),
  resize("nearest, half_pixel, three times", { scales: [1, 1, 3, 2] }, nearest),
  ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].map((rounding) =>
    resize(
      `nearest, ${rounding}, to odd sizes`,
      { sizes: [2, 2, 7, 3] },
      { ...nearest, ...under("asymmetric"), nearest_mode: string(rounding) },
    ),
  ),
  resize("nearest, align_corners", { sizes: [2, 2, 7, 9] }, { ...nearest, ...under("align_corners") }),
  ...["half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric"].map(
    (transformation) =>
      resize(
        `linear, ${transformation}, twice`,
        { scales: [1, 1, 2, 2] },
        { ...linear, ...under(transformation) },
      ),
  ),
  resize("linear, scales that leave a remainder", { scales: [1, 1, 1.6, 2.3] }, linear),
  resize(
    "linear, half_pixel_symmetric, a remainder",
    { scales: [1, 1, 1.6, 2.3] },
    {
      ...linear,
      ...under("half_pixel_symmetric"),
    },
  ),
  resize("linear, smaller", { sizes: [2, 2, 3, 2] }, linear),
  resize(
    "linear, pytorch_half_pixel, to one",
    { sizes: [2, 2, 1, 3] },
    {
      ...linear,
      ...under("pytorch_half_pixel"),
    },
  ),
  resize("linear, stated axes", { sizes: [9, 6] }, { ...linear, axes: ints([-1, 2]) }),
  resize("linear, one dimension", { dims: [2, 3, 5], scales: [1, 1, 2] }, linear),
  resize(
    "nearest, three dimensions",
    { dims: [1, 2, 2, 3, 2], scales: [1, 1, 2, 2, 3] },
    {
      ...nearest,
      antialias: int(0),
    },
  ),
];
