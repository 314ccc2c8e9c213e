/**
 * Keeps layers in float that are to stay so. Where DequantizeLinear feeds a Conv, ConvTranspose or Gemm and
 * QuantizeLinear follows, the engine rounds float weights of its own accord, with one scale for all of them
 * (ONNX Runtime's WeightBiasQuantization). A Clip to the very range the levels span changes no value, and
 * takes the DequantizeLinear away from the layer's door.
 */
import { type Emitter, type Node, Tensor, type Value } from "@cupel/onnx";

/** The operators the engine does this to. */
const roundedByEngine = ["Conv", "ConvTranspose", "Gemm"];

export function keepFloat(emit: Emitter): void {
  for (const node of emit.model.graph.nodes) {
    if (!node.is(...roundedByEngine) || !node.input(1)?.constant) continue;
    const before = node.input(0)?.producer;
    if (before?.is("DequantizeLinear")) node.setInput(0, clippedToItsRange(emit, node, before));
  }
}

function clippedToItsRange(emit: Emitter, layer: Node, dequantise: Node): Value {
  const value = dequantise.output;
  const [scale, zeroPoint] = [1, 2].map((i) => dequantise.input(i)!.constant!.toNumbers()[0]!);
  const bound = (name: string, level: number) =>
    emit.model.graph.addConstant(
      `${value.name}.${name}`,
      Tensor.float32([], [scale! * (level - zeroPoint!)]),
    );
  const clip = emit
    .before(layer, `${value.name}.float`)
    .op("Clip", [value, bound("low", 0), bound("high", 255)]);
  clip.type = value.type;
  return clip;
}
