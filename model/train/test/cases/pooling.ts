/** Rows of the gradient check: pooling. */
import { type Attribute, attribute } from "@cupel/onnx";
import type { DrawnInput, GradientCase } from "../support/gradient-case.ts";

interface Pool {
  readonly dims: readonly number[];
  readonly kernel: readonly number[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Of a node that has its Indices already. */
  readonly outputs?: number;
}

function pool(opType: string, input: (dims: readonly number[]) => DrawnInput) {
  return (variant: string, { dims, kernel, attributes = {}, outputs = 1 }: Pool): GradientCase => ({
    opType,
    variant,
    draw: () => ({
      inputs: [input(dims)],
      attributes: { kernel_shape: attribute.ints(kernel), ...attributes },
      outputs,
    }),
  });
}

const maxPool = pool("MaxPool", (dims) => ({ dims, distinct: true }));
const averagePool = pool("AveragePool", (dims) => ({ dims }));

const { int, ints, string } = attribute;

export const poolingCases: readonly GradientCase[] = [
  maxPool("overlapping, pads", {
    dims: [2, 2, 7, 7],
    kernel: [3, 3],
    attributes: { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
  }),
  maxPool("windows side by side", {
    dims: [2, 3, 6, 6],
    kernel: [2, 2],
    attributes: { strides: ints([2, 2]) },
  }),
  maxPool("windows apart, a remainder", {
    dims: [2, 2, 8, 7],
    kernel: [2, 2],
    attributes: { strides: ints([3, 3]) },
  }),
  maxPool("ceil_mode, Indices in use", {
    dims: [2, 2, 7, 8],
    kernel: [3, 3],
    attributes: { strides: ints([2, 2]), ceil_mode: int(1) },
    outputs: 2,
  }),
  maxPool("dilations, uneven pads", {
    dims: [2, 2, 7, 8],
    kernel: [2, 3],
    attributes: { dilations: ints([2, 2]), pads: ints([0, 1, 1, 2]) },
  }),
  maxPool("auto_pad", {
    dims: [1, 2, 7, 8],
    kernel: [3, 3],
    attributes: { strides: ints([2, 2]), auto_pad: string("SAME_LOWER") },
  }),
  maxPool("one dimension", { dims: [2, 3, 9], kernel: [3] }),
  maxPool("three dimensions", { dims: [1, 2, 4, 5, 4], kernel: [2, 2, 2] }),
  averagePool("windows side by side", {
    dims: [2, 3, 6, 6],
    kernel: [2, 2],
    attributes: { strides: ints([2, 2]) },
  }),
  averagePool("overlapping, pads not counted", {
    dims: [2, 2, 7, 6],
    kernel: [3, 3],
    attributes: { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
  }),
  averagePool("uneven pads counted", {
    dims: [2, 2, 7, 6],
    kernel: [3, 3],
    attributes: { strides: ints([2, 1]), pads: ints([0, 1, 2, 1]), count_include_pad: int(1) },
  }),
  averagePool("ceil_mode", {
    dims: [2, 2, 8, 9],
    kernel: [3, 3],
    attributes: { strides: ints([2, 3]), ceil_mode: int(1) },
  }),
  averagePool("ceil_mode, pads counted", {
    dims: [2, 2, 8, 9],
    kernel: [3, 3],
    attributes: {
      strides: ints([2, 3]),
      pads: ints([1, 1, 0, 1]),
      ceil_mode: int(1),
      count_include_pad: int(1),
    },
  }),
  averagePool("dilations", { dims: [2, 2, 7, 8], kernel: [2, 3], attributes: { dilations: ints([2, 2]) } }),
  averagePool("auto_pad", {
    dims: [1, 2, 7, 8],
    kernel: [3, 2],
    attributes: { strides: ints([2, 2]), auto_pad: string("SAME_UPPER") },
  }),
  averagePool("one dimension", { dims: [2, 3, 9], kernel: [3] }),
  { opType: "GlobalAveragePool", variant: "", draw: () => ({ inputs: [{ dims: [2, 3, 4, 5] }] }) },
  {
    opType: "GlobalMaxPool",
    variant: "",
    draw: () => ({ inputs: [{ dims: [2, 3, 4, 5], distinct: true }] }),
  },
];
