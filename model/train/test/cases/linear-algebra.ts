/** Rows of the gradient check: matrix products. */
import { attribute } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";

type Dims = readonly number[];

function gemm(
  variant: string,
  [a, b, c]: readonly [Dims, Dims, Dims?],
  flags: {
    readonly transA?: number;
    readonly transB?: number;
    readonly alpha?: number;
    readonly beta?: number;
  },
): GradientCase {
  const { transA = 0, transB = 0, alpha = 1, beta = 1 } = flags;
  return {
    opType: "Gemm",
    variant,
    draw: () => ({
      inputs: [{ dims: a }, { dims: b }, ...(c ? [{ dims: c }] : [])],
      attributes: {
        transA: attribute.int(transA),
        transB: attribute.int(transB),
        alpha: attribute.float(alpha),
        beta: attribute.float(beta),
      },
    }),
  };
}

function matMul(variant: string, a: Dims, b: Dims): GradientCase {
  return { opType: "MatMul", variant, draw: () => ({ inputs: [{ dims: a }, { dims: b }] }) };
}

export const linearAlgebraCases: readonly GradientCase[] = [
  gemm("bias", [[4, 3], [3, 5], [5]], {}),
  gemm(
    "alpha, beta, C of one column",
    [
      [4, 3],
      [3, 5],
      [4, 1],
    ],
    { alpha: 0.5, beta: -2 },
  ),
  gemm("A transposed, scalar C", [[3, 4], [3, 5], []], { transA: 1, alpha: 1.5 }),
  gemm(
    "B transposed, full C",
    [
      [4, 3],
      [5, 3],
      [4, 5],
    ],
    { transB: 1, beta: 0.5 },
  ),
  gemm(
    "both transposed, no C",
    [
      [3, 4],
      [5, 3],
    ],
    { transA: 1, transB: 1, alpha: -1.5 },
  ),
  matMul("matrices", [4, 3], [3, 5]),
  matMul("batch times matrix", [2, 3, 4, 3], [3, 5]),
  matMul("batch times batch", [2, 4, 3], [2, 3, 5]),
  matMul("both batches broadcast", [2, 1, 4, 3], [3, 3, 5]),
  matMul("matrix times batch", [4, 3], [2, 2, 3, 5]),
  matMul("vectors", [5], [5]),
  matMul("vector times matrix", [3], [3, 5]),
  matMul("vector times batch", [3], [2, 3, 5]),
  matMul("batch times vector", [2, 4, 3], [3]),
];
