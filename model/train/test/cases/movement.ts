/** Rows of the gradient check: movement along axes. */
import type { Random } from "@cupel/base";
import { type Attribute, attribute, Tensor } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

const integers = (values: readonly number[]): Tensor => Tensor.int64([values.length], values);

/** One input of the given shape, or of a random one, and settings. */
const row = (
  opType: string,
  variant: string,
  settings: readonly (Tensor | null)[],
  attributes: Readonly<Record<string, Attribute>> = {},
  dims: (random: Random) => readonly number[] = (random) => drawDims(random, 3, 3),
): GradientCase => ({
  opType,
  variant,
  draw: (random) => ({ inputs: [{ dims: dims(random) }, ...settings], attributes }),
});

/** Beyond every end, as exporters write "to the end". */
const endless = 2 ** 31;

const slices: readonly GradientCase[] = [
  row("Slice", "", [integers([1]), integers([2])]),
  row("Slice", "steps", [integers([1, 0]), integers([endless, endless]), integers([2, 1]), integers([2, 3])]),
  row(
    "Slice",
    "step that leaves a remainder",
    [integers([1]), integers([6]), integers([0]), integers([2])],
    {},
    () => [8, 2],
  ),
  row(
    "Slice",
    "negative steps",
    [integers([-1, 7]), integers([-endless, 0]), integers([-1, 0]), integers([-2, -3])],
    {},
    () => [9, 2, 6],
  ),
  row(
    "Slice",
    "negative starts, ends and axes",
    [integers([-3, -2]), integers([-1, endless]), integers([-1, -3])],
    {},
    () => [3, 2, 5],
  ),
  row("Slice", "starts beyond the axis", [
    integers([-100, 100]),
    integers([2, -100]),
    integers([0, 1]),
    integers([1, -1]),
  ]),
];

const pads: readonly GradientCase[] = [
  row("Pad", "", [integers([1, 0, 2, 0, 3, 1])]),
  row("Pad", "negative", [integers([-1, 2, 0, 1, -1, 0])]),
  row("Pad", "axes", [integers([2, 1, 1, 0]), null, integers([-1, 0])]),
  row("Pad", "edge", [integers([1, 0, 3, 0, 2, 1])], { mode: attribute.string("edge") }),
  row("Pad", "edge, negative", [integers([-1, 2, 0, 2, 0, 0])], { mode: attribute.string("edge") }),
  row("Pad", "reflect", [integers([1, 0, 2, 0, 1, 3])], { mode: attribute.string("reflect") }, () => [
    3, 2, 5,
  ]),
  row("Pad", "wrap", [integers([1, 0, 2, 0, 1, 1])], { mode: attribute.string("wrap") }),
  {
    opType: "Pad",
    variant: "learned value",
    draw: (random) => ({
      inputs: [{ dims: drawDims(random, 2, 2) }, integers([1, -1, 0, 2]), { dims: [] }],
    }),
  },
];

/** Inputs that differ along the axis only. */
const concat = (variant: string, axis: number): GradientCase => ({
  opType: "Concat",
  variant,
  draw: (random) => {
    const dims = drawDims(random, 3, 4);
    const along = axis < 0 ? axis + dims.length : axis;
    return {
      inputs: [1, 3, 2].map((size) => ({ dims: dims.with(along, size) })),
      attributes: { axis: attribute.int(axis) },
    };
  },
});

const split = (differentiated: number): GradientCase => ({
  opType: "Split",
  variant: `part ${differentiated}`,
  draw: () => ({
    inputs: [{ dims: [2, 7, 3] }, integers([2, 1, 4])],
    attributes: { axis: attribute.int(-2) },
    outputs: 3,
    differentiated,
  }),
});

const blocks = (opType: string, channels: number, size: number, mode?: string): GradientCase =>
  row(
    opType,
    mode ?? "",
    [],
    { blocksize: attribute.int(2), ...(mode && { mode: attribute.string(mode) }) },
    (random) => [1 + random.integer(2), channels, size, size + 2],
  );

const cumSums = [0, 1].flatMap((exclusive) =>
  [0, 1].map((reverse) =>
    row(
      "CumSum",
      `${exclusive ? "exclusive" : "inclusive"}${reverse ? ", reverse" : ""}`,
      [Tensor.int64([], [-2])],
      {
        exclusive: attribute.int(exclusive),
        reverse: attribute.int(reverse),
      },
    ),
  ),
);

export const movementCases: readonly GradientCase[] = [
  row("Transpose", "axes turned round", []),
  row("Transpose", "an order that is not its own inverse", [], { perm: attribute.ints([1, 2, 0]) }),
  ...slices,
  ...pads,
  concat("", 1),
  concat("negative axis", -1),
  split(0),
  split(2),
  {
    opType: "Split",
    variant: "equal parts but the last",
    draw: () => ({
      inputs: [{ dims: [7, 2] }],
      attributes: { num_outputs: attribute.int(3) },
      outputs: 3,
      differentiated: 2,
    }),
  },
  row("Tile", "", [integers([2, 1, 3])]),
  row("Expand", "more dimensions", [integers([2, 3, 1, 4])], {}, () => [3, 2, 1]),
  blocks("DepthToSpace", 8, 2),
  blocks("DepthToSpace", 8, 2, "DCR"),
  blocks("DepthToSpace", 8, 2, "CRD"),
  blocks("SpaceToDepth", 3, 4),
  ...cumSums,
  row("Trilu", "upper", []),
  row("Trilu", "lower, off the diagonal", [Tensor.int64([], [-1])], { upper: attribute.int(0) }),
  row(
    "ReverseSequence",
    "",
    [integers([1, 3, 2])],
    { batch_axis: attribute.int(1), time_axis: attribute.int(0) },
    () => [4, 3, 2],
  ),
];
