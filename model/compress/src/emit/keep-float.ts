/**
 * Keeps in float what is to stay so, behind values that are rounded. Three things the engine does of its own accord stand
 * against that, and a Clip to the very range the levels span, which changes no value, keeps it from all of them:
 *
 * - Where DequantizeLinear feeds a Conv, ConvTranspose or Gemm and QuantizeLinear follows, it rounds float
 *   weights, with one scale for all of them (ONNX Runtime's WeightBiasQuantization).
 * - It puts an 8-bit kernel between DequantizeLinear and QuantizeLinear by the operator's name, even where the
 *   kernel is slower, or lacks what the node asks for (AveragePool with dilations): then it refuses the file.
 * - It gives each reader a DequantizeLinear of its own. Patterns that read a value twice, as Gelu and
 *   LayerNormalization written out do, then no longer read the same value and are not fused.
 */
import { type Emitter, type Node, Tensor, type Value } from "@cupel/onnx";
import { needsFence, partOf } from "./kernel-forms.ts";

/** The operators whose weights the engine rounds. */
const roundedByEngine = ["Conv", "ConvTranspose", "Gemm"];

/** @param integer the nodes that run on integers. */
export function keepFloat(emit: Emitter, integer: ReadonlySet<Node>): void {
  const { graph } = emit.model;
  for (const dequantise of [...graph.nodes].filter((node) => node.is("DequantizeLinear"))) {
    const value = dequantise.output;
    const inFloat = value.uses.filter(({ node }) => !integer.has(node) && !node.is("Shape", "Size"));
    const isRounded = inFloat.some(
      ({ node, index }) =>
        index === 0 &&
        (node.is(...roundedByEngine) || needsFence(node) || isTaken(node)) &&
        !graph.isOutput(node.output),
    );
    if (value.uses.length === 0 || inFloat.length === 0 || (inFloat.length === 1 && !isRounded)) continue;
    if (!hasOneScale(dequantise)) continue;
    const clipped = clippedToItsRange(emit, dequantise);
    for (const { node, index } of inFloat) node.setInput(index, clipped);
  }
}

/** Has an 8-bit kernel, which is slower here (AveragePool), and all that the engine needs to put it there. */
function isTaken(node: Node): boolean {
  const part = partOf(node);
  if (part !== "share" && part !== "own-scale") return false;
  return node.inputs.length === 1 && node.output.uses.some(({ node: reader }) => reader.is("QuantizeLinear"));
}

/** A value that the engine does not take for integers: where a DequantizeLinear of one scale makes it, behind such a Clip. */
export function keptInFloat(emit: Emitter, value: Value): Value {
  const { producer } = value;
  return producer?.is("DequantizeLinear") && hasOneScale(producer)
    ? clippedToItsRange(emit, producer)
    : value;
}

const hasOneScale = (dequantise: Node): boolean => dequantise.input(1)?.constant?.size === 1;

function clippedToItsRange(emit: Emitter, dequantise: Node): Value {
  const value = dequantise.output;
  const [scale, zeroPoint] = [1, 2].map((i) => dequantise.input(i)!.constant!.toNumbers()[0]!);
  const bound = (name: string, level: number) =>
    emit.model.graph.addConstant(
      `${value.name}.${name}`,
      Tensor.float32([], [scale! * (level - zeroPoint!)]),
    );
  const clip = emit
    .behind(dequantise, `${value.name}.float`)
    .op("Clip", [value, bound("low", 0), bound("high", 255)]);
  clip.type = value.type;
  return clip;
}
