/**
 * What follows a layer and is an affine map per channel folds into it: BatchNormalization at inference, and the
 * Mul, Div, Add and Sub by constants that other exporters write for it.
 *
 *   y = s x + t   =>   W' = W s,  b' = s b + t
 *
 * with s = gamma / sqrt(var + eps) and t = beta - s mean for BatchNormalization.
 *
 * The layer takes over the mapped value's name, which is the activation a reader of the report knows.
 */
import { own } from "@cupel/base";
import {
  type Graph,
  isInTraining,
  type Node,
  outputChannels,
  type Pass,
  Tensor,
  type WeightLayout,
  weightLayout,
} from "@cupel/onnx";
import { channelBias, setParameter } from "../layer.ts";

export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  requires: ["fixedConstants", "ownParameters"],
  run(model) {
    const graph = model.graph;
    const folded = new Map<string, number>();
    for (const node of graph.nodes) {
      const mapOf = node.isStandard ? own(maps, node.opType) : undefined;
      if (!mapOf) continue;
      const layer = node.inputs.find((value) => value && !value.constant)?.producer;
      const layout = layer && foldableLayout(layer);
      if (!layout || !ownsOutput(graph, layer)) continue;
      const map = mapOf(node, layout, model.opset);
      if (map && fold(graph, layer, layout, node, map))
        folded.set(node.opType, (folded.get(node.opType) ?? 0) + 1);
    }
    const notes = Array.from(folded, ([opType, count]) => `folded ${count} ${opType} into the layer before`);
    return { modified: folded.size > 0, notes };
  },
};

/** The layout of a weight that a factor an output channel can go into. */
function foldableLayout(layer: Node): WeightLayout | null {
  const weight = layer.input(1)?.constant;
  // MatMul has no bias to take the offset, and the parts of a Gemm must not be scaled.
  const takes = weight?.type === "float32" && !layer.is("MatMul");
  if (!takes || layer.float("alpha", 1) !== 1 || layer.float("beta", 1) !== 1) return null;
  return weightLayout(layer, weight.dims);
}

interface AffineMap {
  /** By channel. */
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/** Null where a node is no such map of its one computed input. */
const maps: Readonly<Record<string, (node: Node, layout: WeightLayout, opset: number) => AffineMap | null>> =
  {
    BatchNormalization: (node, _, opset) => batchNormMap(node, opset),
    Mul: (node, layout) => byConstant(node, layout, (c) => [c, 0]),
    Add: (node, layout) => byConstant(node, layout, (c) => [1, c]),
    Sub: (node, layout) => byConstant(node, layout, (c) => (node.input(0)?.constant ? [-1, c] : [1, -c])),
    Div: (node, layout) => (node.input(0)?.constant ? null : byConstant(node, layout, (c) => [1 / c, 0])),
  };

/** As fed to a layer that stands for the identity, see `merge-branches`. */
export function batchNormMap(node: Node, opset: number): AffineMap | null {
  if (!hasConstantStatistics(node, opset)) return null;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => node.input(i)!.constant!.toFloat32());
  const epsilon = node.float("epsilon", 1e-5);
  const scale = Float64Array.from(gamma!, (value, c) => value / Math.sqrt(variance![c]! + epsilon));
  return { scale, offset: scale.map((s, c) => beta![c]! - s * mean![c]!) };
}

/** @param of the constant's number of a channel: scale and offset. */
function byConstant(
  node: Node,
  { outputs, kernel }: WeightLayout,
  of: (constant: number) => readonly [number, number],
): AffineMap | null {
  const tensor = node.inputs.map((value) => value?.constant).find((constant) => constant);
  const rank = kernel.length + 2;
  if (tensor?.type !== "float32" || tensor.dims.length > rank) return null;
  const dims = [...Array<number>(rank - tensor.dims.length).fill(1), ...tensor.dims];
  if (dims.some((size, axis) => size !== 1 && !(axis === 1 && size === outputs))) return null;
  const values = tensor.toFloat32();
  const pairs = Array.from({ length: outputs }, (_, c) => of(values[values.length === 1 ? 0 : c]!));
  if (!pairs.flat().every(Number.isFinite)) return null;
  return {
    scale: Float64Array.from(pairs, ([scale]) => scale),
    offset: Float64Array.from(pairs, ([, offset]) => offset),
  };
}

function fold(
  graph: Graph,
  layer: Node,
  layout: WeightLayout,
  node: Node,
  { scale, offset }: AffineMap,
): boolean {
  const weight = layer.input(1)!.constant!;
  const channels = scale.length;
  const channelOf = outputChannels(layout);
  const oldBias = layer.input(2) ? channelBias(layer.input(2)!, channels) : new Float32Array(channels);
  if (!oldBias) return false;
  const bias = Float32Array.from(oldBias, (value, c) => value * scale[c]! + offset[c]!);
  const data = weight.toFloat32();
  const scaled = data.map((value, i) => value * scale[channelOf(i)]!);

  // In place: nobody else reads them.
  graph.setConstant(layer.input(1)!, Tensor.float32(weight.dims, scaled));
  const biasTensor = Tensor.float32([channels], bias);
  if (layer.input(2)) setParameter(graph, layer.input(2)!, biasTensor);
  else layer.setInput(2, graph.addConstant(`${layer.input(1)!.name}.bias`, biasTensor));
  graph.absorb(layer, node);
  return true;
}

function hasConstantStatistics(node: Node, opset: number): boolean {
  return !isInTraining(node, opset) && [1, 2, 3, 4].every((i) => node.input(i)?.constant);
}

/** Is the layer's output read by one node only, and not by the caller? */
function ownsOutput(graph: Graph, layer: Node): boolean {
  return layer.output.uses.length === 1 && !graph.isOutput(layer.output);
}
