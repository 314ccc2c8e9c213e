/** Rows of the gradient check: the reshaping operators. */
import { attribute, Tensor } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

const integers = (values: readonly number[]): Tensor => Tensor.int64([values.length], values);

export const reshapingCases: readonly GradientCase[] = [
  {
    opType: "Reshape",
    variant: "copied and inferred sizes",
    draw: (random) => ({ inputs: [{ dims: drawDims(random, 3, 4) }, integers([0, -1])] }),
  },
  {
    opType: "Flatten",
    variant: "",
    draw: (random) => ({
      inputs: [{ dims: drawDims(random, 3, 4) }],
      attributes: { axis: attribute.int(-1) },
    }),
  },
  {
    opType: "Squeeze",
    variant: "all axes of size 1",
    draw: (random) => ({ inputs: [{ dims: [1, ...drawDims(random), 1] }] }),
  },
  {
    opType: "Squeeze",
    variant: "negative axis",
    draw: (random) => ({ inputs: [{ dims: [1, ...drawDims(random), 1] }, integers([-1])] }),
  },
  {
    opType: "Unsqueeze",
    variant: "axes on both sides",
    draw: (random) => ({ inputs: [{ dims: drawDims(random) }, integers([0, -1])] }),
  },
];
