/**
 * BatchNormalization at inference is an affine map per channel, so it folds into the layer before it:
 *
 *   y = gamma (x - mean) / sqrt(var + eps) + beta   =>   W' = W s,  b' = (b - mean) s + beta,
 *   with s = gamma / sqrt(var + eps) per output channel.
 *
 * The layer takes over the normalised value's name, which is the activation a reader of the report knows.
 */
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
    let folded = 0;
    for (const node of graph.nodes) {
      if (!node.is("BatchNormalization") || !hasConstantStatistics(node, model.opset)) continue;
      const layer = node.input(0)?.producer;
      const layout = layer && foldableLayout(layer);
      if (layout && ownsOutput(graph, layer) && fold(graph, layer, layout, node)) folded++;
    }
    return {
      modified: folded > 0,
      notes: folded ? [`folded ${folded} BatchNormalization into the layer before`] : [],
    };
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

function fold(graph: Graph, layer: Node, layout: WeightLayout, norm: Node): boolean {
  const weight = layer.input(1)!.constant!;
  const channels = norm.input(1)!.constant!.size;
  const channelOf = outputChannels(layout);
  const oldBias = layer.input(2) ? channelBias(layer.input(2)!, channels) : new Float32Array(channels);
  if (!oldBias) return false;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => norm.input(i)!.constant!.toFloat32());
  const epsilon = norm.float("epsilon", 1e-5);
  const scale = Float64Array.from(gamma!, (value, c) => value / Math.sqrt(variance![c]! + epsilon));
  const bias = Float32Array.from(beta!, (value, c) => (oldBias[c]! - mean![c]!) * scale[c]! + value);
  const data = weight.toFloat32();
  const scaled = data.map((value, i) => value * scale[channelOf(i)]!);

  // In place: nobody else reads them.
  graph.setConstant(layer.input(1)!, Tensor.float32(weight.dims, scaled));
  const biasTensor = Tensor.float32([channels], bias);
  if (layer.input(2)) setParameter(graph, layer.input(2)!, biasTensor);
  else layer.setInput(2, graph.addConstant(`${layer.input(1)!.name}.bias`, biasTensor));
  graph.absorb(layer, norm);
  return true;
}

function hasConstantStatistics(node: Node, opset: number): boolean {
  return !isInTraining(node, opset) && [1, 2, 3, 4].every((i) => node.input(i)?.constant);
}

/** Is the layer's output read by one node only, and not by the caller? */
function ownsOutput(graph: Graph, layer: Node): boolean {
  return layer.output.uses.length === 1 && !graph.isOutput(layer.output);
}
