/**
 * How operators lay out the weights that multiply their input: which axis counts output channels, which
 * input channels, and what lies between. https://onnx.ai/onnx/operators/ (Conv, ConvTranspose, Gemm, MatMul)
 *
 * | operator | weight |
 * | --- | --- |
 * | Conv | [outputs, inputs / groups, ...kernel] |
 * | ConvTranspose | [inputs, outputs / groups, ...kernel] |
 * | Gemm, MatMul | [inputs, outputs]; [outputs, inputs] with transB |
 */
import { elementCount, own } from "@cupel/base";
import type { Node } from "../graph/index.ts";

export interface WeightLayout {
  /** Channels, over all groups. */
  readonly outputs: number;
  readonly inputs: number;
  readonly groups: number;
  /** Spatial sizes; none for dense layers. */
  readonly kernel: readonly number[];
  /** The axis of the weight that counts output channels: of one group if it is that of a ConvTranspose. */
  readonly outputAxis: 0 | 1;
}

/** Axis 1 counts the channels of one group. */
function convolution(outputAxis: 0 | 1): (node: Node, dims: readonly number[]) => WeightLayout {
  return (node, [first = 0, second = 0, ...kernel]) => {
    const groups = node.int("group", 1);
    const [outputs, inputs] = outputAxis === 0 ? [first, second * groups] : [second * groups, first];
    return { outputs, inputs, groups, kernel, outputAxis };
  };
}

function dense(dims: readonly number[], outputAxis: 0 | 1): WeightLayout | null {
  if (dims.length !== 2) return null;
  return { outputs: dims[outputAxis]!, inputs: dims[1 - outputAxis]!, groups: 1, kernel: [], outputAxis };
}

const layouts: Readonly<Record<string, (node: Node, dims: readonly number[]) => WeightLayout | null>> = {
  Conv: convolution(0),
  ConvTranspose: convolution(1),
  Gemm: (node, dims) => dense(dims, node.int("transB", 0) === 1 ? 0 : 1),
  MatMul: (_, dims) => dense(dims, 1),
};

/** @param dims of the weight, input 1. Null for other operators, and for a MatMul of another rank than 2. */
export function weightLayout(node: Node, dims: readonly number[]): WeightLayout | null {
  return (node.isStandard && own(layouts, node.opType)?.(node, dims)) || null;
}

/** The output channel of each element of a weight, by its place in row-major order. */
export function outputChannels(layout: WeightLayout): (i: number) => number {
  const { outputs, groups, outputAxis } = layout;
  const taps = elementCount(layout.kernel);
  const inputsPerGroup = layout.inputs / groups;
  if (outputAxis === 0) return (i) => Math.floor(i / (inputsPerGroup * taps));
  // The channel counts on from the group the input channel is in.
  const perGroup = outputs / groups;
  return (i) =>
    Math.floor(i / (taps * perGroup) / inputsPerGroup) * perGroup + (Math.floor(i / taps) % perGroup);
}
