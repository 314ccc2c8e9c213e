/**
 * Rows of the gradient check: quantisation. QuantizeLinear is a staircase, whose differences are 0 or a
 * step: quantisation-gradient.test.ts compares its rule with the formulas of its papers.
 */
import { attribute, Tensor } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";

const stored = Tensor.int8([2, 3, 2], [-128, 5, 17, 127, -3, 0, 1, -90, 44, 2, -1, 100]);

export const quantisationCases: readonly GradientCase[] = [
  {
    opType: "DequantizeLinear",
    variant: "stored integers",
    draw: () => ({ inputs: [stored, { dims: [], low: 0.01, high: 0.1 }, Tensor.int8([], [3])] }),
  },
  {
    opType: "DequantizeLinear",
    variant: "stored integers, one scale a channel",
    draw: () => ({
      inputs: [stored, { dims: [3], low: 0.01, high: 0.1 }],
      attributes: { axis: attribute.int(-2) },
    }),
  },
];

/** Operators that differences tell nothing about. */
export const staircases: readonly string[] = ["QuantizeLinear"];
