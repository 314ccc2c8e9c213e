/**
 * Whether an 8-bit kernel pays for the conversions around it. Between two operators that run in float, a
 * kernel on integers needs its input rounded and its output converted back; a short convolution gains less
 * than that costs, and the pattern the engine would have fused (Gelu, LayerNormalization) is lost as well.
 *
 * Costs are counted in converted elements an image. Measured on one core with AVX-512 VNNI, one thread, CPU time,
 * on ONNX Runtime 1.32 (tools/engine-forms/time-conversions.py): a Conv between two HardSwish takes 0.93 of
 * float's speed at 8 products an element converted, 0.93 at 16, 0.96 at 32, 1.13 at 64, 1.46 at 144. A depthwise Conv
 * gains nothing at any size (0.76 at 4.5, 0.66 at 24.5).
 */
import { type Graph, type Node, operatorFacts, type Value } from "@cupel/onnx";
import { layerOf } from "../layer.ts";
import { partOf } from "./kernel-forms.ts";

/** Products that an 8-bit kernel must do to save the time of one converted element. */
const productsPerConversion = 40;

/** @param isInteger of the nodes around it, as far as decided. */
export function paysOnIntegers(graph: Graph, node: Node, isInteger: (node: Node) => boolean): boolean {
  const part = partOf(node);
  // These cost nothing by themselves: they follow what makes their input.
  if (part === null || part === "same-scale" || part === "clipping") return true;
  const layer = layerOf(node);
  const inputs = [...new Set(part === "own-scale" ? node.inputs : [node.input(0)])].filter(
    (value) => value !== null,
  );
  const sizes = new Map([...inputs, node.output].map((value) => [value, sizeOf(value)]));
  if ([...sizes.values()].includes(null)) return true;
  const size = (value: Value) => sizes.get(value) ?? 0;

  let [onIntegers, inFloat] = [0, 0];
  for (const value of inputs) {
    const source = sourceOf(value);
    const others = readersOf(graph, source).filter((reader) => reader !== node);
    const isMadeRounded = source.producer !== null && isInteger(source.producer);
    if (!isMadeRounded && !others.some((reader) => reader && isInteger(reader))) onIntegers += size(value);
    if (isMadeRounded && others.every((reader) => reader && isInteger(reader))) inFloat += size(value);
  }
  const readers = readersOf(graph, node.output);
  if (readers.some((reader) => !reader || !isInteger(reader)) && !isDenseEnd(graph, node))
    onIntegers += size(node.output);
  if (readers.some((reader) => reader && isInteger(reader))) inFloat += size(node.output);
  if (!layer) return onIntegers < inFloat;
  const products = layer.columns === layer.kernelSize ? 0 : size(node.output) * layer.columns;
  return onIntegers - inFloat <= products / productsPerConversion;
}

/** A dense kernel gives its sums in float where the caller reads them. */
function isDenseEnd(graph: Graph, node: Node): boolean {
  return node.is("Gemm", "MatMul") && graph.isOutput(node.output);
}

const isPassedOn = (node: Node): boolean => {
  const part = partOf(node);
  return part === "same-scale" || part === "clipping" || operatorFacts(node).rearranges === true;
};

/** The value before everything that only moves or clips it. */
function sourceOf(value: Value): Value {
  let source = value;
  while (source.producer && isPassedOn(source.producer) && source.producer.input(0))
    source = source.producer.input(0)!;
  return source;
}

/** Who computes with a value in the end; null stands for the caller. */
function readersOf(graph: Graph, value: Value): (Node | null)[] {
  const readers = value.consumers.flatMap((reader) => {
    if (reader.is("Shape", "Size")) return [];
    return isPassedOn(reader) ? reader.outputs.flatMap((output) => readersOf(graph, output)) : [reader];
  });
  return graph.isOutput(value) ? [...readers, null] : readers;
}

/** Elements of one image; sizes that are open count as one. Null when the shape is unknown. */
function sizeOf(value: Value): number | null {
  if (!value.shape) return null;
  return value.shape
    .slice(1)
    .reduce<number>((product, size) => product * (typeof size === "number" ? size : 1), 1);
}
