/**
 * Multiply-accumulates of the operators that dominate a vision model: convolutions and matrix products,
 * float or quantised. A bias is not counted, as in the literature's figures (ResNet-50: 4.1 G).
 */
import { elementCount, own } from "@cupel/base";
import type { Node, Shape, Value } from "../graph/index.ts";

/** Position of the weight or right factor; `count` gets data, weight and output sizes. */
interface Row {
  readonly weight: number;
  readonly count: (data: readonly number[], weight: readonly number[], output: readonly number[]) => number;
}

/** Weight [M, C / group, ...kernel]: each output element sums over all but M. */
const convolution = (weight: number): Row => ({
  weight,
  count: (_, filters, output) => elementCount(output) * elementCount(filters.slice(1)),
});

/** Weight [C, M / group, ...kernel]: each input element is spread over all but C. */
const transposed: Row = {
  weight: 1,
  count: (data, filters) => elementCount(data) * elementCount(filters.slice(1)),
};

const matrix = (weight: number): Row => ({
  weight,
  count: (data, _, output) => elementCount(output) * (data.at(-1) ?? 0),
});

const rows: Readonly<Record<string, Row>> = {
  Conv: convolution(1),
  ConvInteger: convolution(1),
  QLinearConv: convolution(3),
  ConvTranspose: transposed,
  MatMul: matrix(1),
  MatMulInteger: matrix(1),
  QLinearMatMul: matrix(3),
};

/**
 * @returns null for other operators and when a size that counts is not known. A symbolic batch (first
 * size) counts as 1.
 */
export function macsOf(node: Node, shapeOf: (value: Value | null) => Shape): number | null {
  if (!node.isStandard) return null;
  const output = staticSizes(shapeOf(node.outputs[0] ?? null));
  const data = staticSizes(shapeOf(node.input(0)));
  if (!output || !data) return null;
  if (node.opType === "Gemm") {
    const inner = node.int("transA", 0) === 1 ? data[0] : data[1];
    return elementCount(output) * (inner ?? 0);
  }
  const row = own(rows, node.opType);
  const weight = row && staticSizes(shapeOf(node.input(row.weight)));
  return row && weight ? row.count(data, weight, output) : null;
}

function staticSizes(shape: Shape): readonly number[] | null {
  if (!shape) return null;
  const sizes: number[] = [];
  for (const [axis, size] of shape.entries()) {
    if (typeof size === "number") sizes.push(size);
    else if (axis === 0) sizes.push(1);
    else return null;
  }
  return sizes;
}
