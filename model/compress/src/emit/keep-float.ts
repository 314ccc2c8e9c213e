/**
 * Keeps layers in float that are to stay so. Where DequantizeLinear feeds a Conv, ConvTranspose or Gemm and
 * QuantizeLinear follows, the engine rounds float weights of its own accord, with one scale for all of them
 * (ONNX Runtime's WeightBiasQuantization). A Clip to the very range the levels span changes no value, and
 * takes the DequantizeLinear away from the layer's door.
 */
import { type Graph, type Node, Tensor } from "@cupel/onnx";

/** The operators the engine does this to. */
const roundedByEngine = ["Conv", "ConvTranspose", "Gemm"];

export function keepFloat(graph: Graph): void {
  for (const node of graph.nodes) {
    if (!node.is(...roundedByEngine) || !node.input(1)?.constant) continue;
    const before = node.input(0)?.producer;
    if (before?.is("DequantizeLinear")) node.setInput(0, clippedToItsRange(graph, node, before));
  }
}

function clippedToItsRange(graph: Graph, layer: Node, dequantise: Node) {
  const value = dequantise.output;
  const [scale, zeroPoint] = [1, 2].map((i) => dequantise.input(i)!.constant!.toNumbers()[0]!);
  const bound = (name: string, level: number) =>
    graph.addConstant(`${value.name}.${name}`, Tensor.float32([], [scale! * (level - zeroPoint!)]));
  return graph.insertBefore(layer, {
    opType: "Clip",
    inputs: [value, bound("low", 0), bound("high", 255)],
    outputs: [graph.uniqueName(`${value.name}.float`)],
    ...(value.type ? { type: value.type } : {}),
  }).output;
}
