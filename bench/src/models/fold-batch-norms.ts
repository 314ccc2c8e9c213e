/**
 * A network of the benchmarks as exporters write it for inference: each BatchNormalization folded into the convolution
 * before it. By the formula, and not by Cupel's own pass, whose gain is measured.
 *
 *   W' = W s, b' = beta - mean s, with s = gamma / sqrt(variance + epsilon)
 */
import { type Graph, type Model, type Node, removeDeadCode, Tensor } from "@cupel/onnx";

/** In place. Every BatchNormalization MUST follow a Conv without a bias that nothing else reads. */
export function foldBatchNorms(model: Model): Model {
  const norms = [...model.graph.nodes].filter((node) => node.is("BatchNormalization"));
  for (const norm of norms) fold(model.graph, norm);
  removeDeadCode.run(model);
  return model;
}

function fold(graph: Graph, norm: Node): void {
  const convolution = norm.input(0)!.producer!;
  const weight = convolution.input(1)!;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => norm.input(i)!.constant!.toFloat32());
  const epsilon = norm.float("epsilon", 1e-5);
  const scale = gamma!.map((value, c) => value / Math.sqrt(variance![c]! + epsilon));
  const { dims } = weight.constant!;
  const values = weight.constant!.toFloat32();
  const block = values.length / scale.length;
  const scaled = values.map((value, i) => value * scale[Math.floor(i / block)]!);
  graph.setConstant(weight, Tensor.float32(dims, scaled));
  const bias = beta!.map((value, c) => value - mean![c]! * scale[c]!);
  convolution.setInput(2, graph.addConstant(`${weight.name}.bias`, Tensor.float32([bias.length], bias)));
  graph.absorb(convolution, norm);
}
