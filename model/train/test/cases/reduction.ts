/** Rows of the gradient check: the reductions. */
import { attribute, Tensor } from "@cupel/onnx";
import { awayFrom, type DrawnInput, type GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

type Axes = (rank: number) => readonly number[] | null;

const forms: readonly { readonly variant: string; readonly keepdims: 0 | 1; readonly axes: Axes }[] = [
  { variant: "all axes", keepdims: 0, axes: () => null },
  { variant: "all axes, kept", keepdims: 1, axes: () => null },
  { variant: "one axis", keepdims: 0, axes: () => [1] },
  { variant: "negative axes, kept", keepdims: 1, axes: () => [-1, -3] },
  { variant: "negative axes", keepdims: 0, axes: (rank) => [-1, rank - 2] },
];

/** An input in every form of axes. */
function reduction(opType: string, range: Omit<DrawnInput, "dims"> = {}): GradientCase[] {
  return forms.map(({ variant, keepdims, axes }) => ({
    opType,
    variant,
    draw: (random) => {
      const dims = drawDims(random, 3, 4);
      const chosen = axes(dims.length);
      return {
        inputs: [{ dims, ...range }, chosen && Tensor.int64([chosen.length], chosen)],
        attributes: { keepdims: attribute.int(keepdims) },
      };
    },
  }));
}

export const reductionCases: readonly GradientCase[] = [
  ...reduction("ReduceSum"),
  ...reduction("ReduceMean"),
  ...reduction("ReduceMax", { distinct: true, low: -4, high: 4 }),
  ...reduction("ReduceMin", { distinct: true, low: -4, high: 4 }),
  ...reduction("ReduceL1", { avoid: awayFrom(0) }),
  ...reduction("ReduceL2"),
  ...reduction("ReduceSumSquare"),
  ...reduction("ReduceLogSum", { low: 0.5 }),
  ...reduction("ReduceLogSumExp"),
  {
    opType: "ReduceSum",
    variant: "no axes, nothing to do",
    draw: (random) => ({
      inputs: [{ dims: drawDims(random) }],
      attributes: { noop_with_empty_axes: attribute.int(1) },
    }),
  },
];
