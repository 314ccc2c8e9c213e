/**
 * BatchNormalization at inference is an affine map per channel, so it folds into the layer before it:
 *
 *   y = gamma (x - mean) / sqrt(var + eps) + beta   =>   W' = W s,  b' = (b - mean) s + beta,
 *   with s = gamma / sqrt(var + eps) per output channel.
 *
 * The layer takes over the normalised value's name, which is the activation a reader of the report knows.
 */
import { type Graph, type Node, type Pass, Tensor } from "@cupel/onnx";
import { channelBias, setParameter } from "../layer.ts";

export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  run(model) {
    const graph = model.graph;
    let folded = 0;
    for (const node of graph.nodes) {
      if (!node.is("BatchNormalization") || !hasConstantStatistics(node)) continue;
      const layer = node.input(0)?.producer;
      if (!layer || !channelsOf[layer.opType] || !layer.isStandard || !ownsOutput(graph, layer)) continue;
      if (layer.input(1)?.constant?.type !== "float32") continue;
      if (fold(graph, layer, node)) folded++;
    }
    return {
      modified: folded > 0,
      notes: folded ? [`folded ${folded} BatchNormalization into the layer before`] : [],
    };
  },
};

/** Output channel of element `i` of the weight; null when this form of the operator cannot take a fold. */
const channelsOf: Record<string, (layer: Node, dims: readonly number[]) => ((i: number) => number) | null> = {
  Conv: (_, dims) => {
    const perChannel = productOf(dims.slice(1));
    return (i) => Math.floor(i / perChannel);
  },
  // [C_in, C_out / groups, ...kernel]: the channel counts on from the group the input channel is in.
  ConvTranspose: (layer, dims) => {
    const kernel = productOf(dims.slice(2));
    const perGroup = dims[1]!;
    const inputsPerGroup = dims[0]! / layer.int("group", 1);
    return (i) =>
      Math.floor(i / (kernel * perGroup) / inputsPerGroup) * perGroup + (Math.floor(i / kernel) % perGroup);
  },
  Gemm: (layer, dims) => {
    if (layer.float("alpha", 1) !== 1 || layer.float("beta", 1) !== 1) return null;
    return layer.int("transB", 0) === 1 ? (i) => Math.floor(i / dims[1]!) : (i) => i % dims[1]!;
  },
};

function fold(graph: Graph, layer: Node, norm: Node): boolean {
  const weight = layer.input(1)!.constant!;
  const channelOf = channelsOf[layer.opType]!(layer, weight.dims);
  const channels = norm.input(1)!.constant!.size;
  const oldBias = layer.input(2) ? channelBias(layer.input(2)!, channels) : new Float32Array(channels);
  if (!channelOf || !oldBias) return false;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => norm.input(i)!.constant!.toFloat32());
  const epsilon = norm.float("epsilon", 1e-5);
  const scale = Float64Array.from(gamma!, (value, c) => value / Math.sqrt(variance![c]! + epsilon));
  const bias = Float32Array.from(beta!, (value, c) => (oldBias[c]! - mean![c]!) * scale[c]! + value);
  const data = weight.toFloat32();
  const scaled = data.map((value, i) => value * scale[channelOf(i)]!);

  // In place: `unshareConstants` has seen to it that nobody else reads them.
  graph.setConstant(layer.input(1)!, Tensor.float32(weight.dims, scaled));
  const biasTensor = Tensor.float32([channels], bias);
  if (layer.input(2)) setParameter(graph, layer.input(2)!, biasTensor);
  else layer.setInput(2, graph.addConstant(`${layer.input(1)!.name}.bias`, biasTensor));
  graph.absorb(layer, norm);
  return true;
}

function hasConstantStatistics(node: Node): boolean {
  const isInference =
    node.int("training_mode", 0) === 0 && node.outputs.slice(1).every((o) => o.uses.length === 0);
  return isInference && [1, 2, 3, 4].every((i) => node.input(i)?.constant);
}

/** Is the layer's output read by one node only, and not by the caller? */
function ownsOutput(graph: Graph, layer: Node): boolean {
  return layer.output.uses.length === 1 && !graph.isOutput(layer.output);
}

function productOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
