/**
 * Whether an 8-bit kernel pays for the conversions around it, and whether a whole network does. Between two
 * operators that run in float, a kernel on integers needs its input rounded and its output converted back; a
 * short convolution gains less than that costs, and the pattern the engine would have fused (Gelu,
 * LayerNormalization) is lost as well. What the kernels themselves save says `kernel-cost`.
 *
 * A converted element costs 0.5 to 1 ns, with the change of layout that comes with it: a 1 x 1 Conv between two
 * HardSwish, where `kernel-cost` was measured. On AVX-512 VNNI with ONNX Runtime 1.32
 * (tools/engine-forms/time-conversions.py) such a Conv takes 0.96 of float's speed at 32 products an element
 * converted, 1.13 at 64, 1.46 at 144.
 */
import { type Graph, type Node, operatorFacts, type Value } from "@cupel/onnx";
import { savedByKernel } from "./kernel-cost.ts";
import { partOf } from "./kernel-forms.ts";

/** Of one image; null when the shape is unknown. */
export type SizeOf = (value: Value) => number | null;

/** Nanoseconds. */
const perConversion = 0.6;
/** Nanoseconds an image. Where a kernel or a network loses less, the time of a call and of its nodes counts for more. */
const least = { kernel: 4_000, network: 20_000 };

/** @param isInteger of the nodes around it, as far as decided. */
export function paysOnIntegers(
  graph: Graph,
  node: Node,
  isInteger: (node: Node) => boolean,
  sizeOf: SizeOf,
): boolean {
  const part = partOf(node);
  if (!computes(node)) return true;
  const inputs = [...new Set(part === "own-scale" ? node.inputs : [node.input(0)])].filter(
    (value) => value !== null,
  );
  if ([...inputs, node.output].some((value) => sizeOf(value) === null)) return true;
  const size = (value: Value) => sizeOf(value) ?? 0;

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
  const saved = savedByKernel(node, size);
  // Behind a first layer in float all its channels are converted, and ResNet-20 gains nothing by that (1.37 and 1.42).
  const readsImage = inputs.some((value) => sourceOf(value).producer === null);
  const counted = saved < -least.kernel && !readsImage ? saved : Math.max(0, saved);
  const converted = perConversion * (onIntegers - inFloat);
  return part === "layer" ? converted <= counted : converted < counted;
}

/**
 * The operator that costs most where a network on integers is slower than in float; null where it is not, or where the
 * shapes do not say.
 */
export function slowestOnIntegers(graph: Graph, integer: ReadonlySet<Node>, sizeOf: SizeOf): string | null {
  const costs = new Map<string, number>();
  const add = (operator: string, nanoseconds: number) =>
    costs.set(operator, (costs.get(operator) ?? 0) + nanoseconds);
  const isInteger = (node: Node | null) => node !== null && integer.has(node);
  const size = (value: Value) => sizeOf(value) ?? 0;
  for (const node of graph.nodes) {
    if (!computes(node)) continue;
    if (isInteger(node)) add(node.opType, -savedByKernel(node, size));
    if (!isInteger(node) || isDenseEnd(graph, node)) continue;
    if (readersOf(graph, node.output).some((reader) => !isInteger(reader)))
      add("DequantizeLinear", perConversion * size(node.output));
  }
  const rounded = new Set(
    [...integer].filter(computes).flatMap((node) => {
      const inputs = partOf(node) === "own-scale" ? node.inputs : [node.input(0)];
      return inputs.flatMap((value) => (value ? [sourceOf(value)] : []));
    }),
  );
  for (const value of rounded)
    if (!isInteger(value.producer)) add("QuantizeLinear", perConversion * size(value));
  const sorted = [...costs].sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((sum, [, cost]) => sum + cost, 0);
  return total > least.network ? sorted[0]![0] : null;
}

/** Others cost nothing by themselves: they follow what makes their input. */
function computes(node: Node): boolean {
  const part = partOf(node);
  return part !== null && part !== "same-scale" && part !== "clipping";
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

/** By the shapes of a graph; sizes that are open count as one. */
export function sizesOf(graph: Graph): SizeOf {
  return ({ name }) => {
    const shape = graph.value(name)?.shape;
    if (!shape) return null;
    return shape
      .slice(1)
      .reduce<number>((product, size) => product * (typeof size === "number" ? size : 1), 1);
  };
}
