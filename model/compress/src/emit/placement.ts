/**
 * Which activations get a QuantizeLinear / DequantizeLinear pair, decided so that the engine fuses.
 *
 * A quantised operator reads and makes 8-bit values. Its output is rounded once: behind the Relu or Clip
 * that follows it, since the rounding itself clips. Operators that only move elements hand the scale of
 * their input on.
 */
import { own } from "@cupel/base";
import type { Graph, Node, Value } from "@cupel/onnx";
import { clipRange } from "../clean/place-activations.ts";
import { layerOf } from "../layer.ts";

/** How an operator takes part. The engine has an 8-bit kernel for each; one it lacks is not listed. */
type Part =
  /** Weights times input: Conv, dense. */
  | "layer"
  /** Every input and the output have scales of their own. */
  | "own-scale"
  /** The output has the scale of the input. */
  | "same-scale"
  /** Vanishes into the rounding of its input's producer, else as own-scale. */
  | "clipping";

const parts: Readonly<Record<string, Part>> = {
  Conv: "layer",
  Gemm: "layer",
  MatMul: "layer",
  Add: "own-scale",
  Mul: "own-scale",
  GlobalAveragePool: "own-scale",
  AveragePool: "own-scale",
  Concat: "own-scale",
  Sigmoid: "own-scale",
  LeakyRelu: "own-scale",
  MaxPool: "same-scale",
  Reshape: "same-scale",
  Flatten: "same-scale",
  Transpose: "same-scale",
  Squeeze: "same-scale",
  Unsqueeze: "same-scale",
  Slice: "same-scale",
  Pad: "same-scale",
  Relu: "clipping",
  Clip: "clipping",
};

export interface Placement {
  /** Values to round, in execution order. */
  readonly values: readonly Value[];
  /** Values whose scale is that of another, because a node only moves elements. */
  readonly sameScale: ReadonlyMap<Value, Value>;
}

/** @param inFloat nodes that stay in float. */
export function placeQuantisers(graph: Graph, inFloat: ReadonlySet<Node> = new Set()): Placement {
  const partOf = (node: Node): Part | null => {
    const part = node.isStandard && !inFloat.has(node) ? (own(parts, node.opType) ?? null) : null;
    if (part === "layer" && !layerOf(node)) return null;
    if (part === "own-scale" && activationInputs(node).some((value) => value.constant)) return null;
    if (node.is("Pad") && !padsWithZero(node)) return null;
    return part;
  };
  const values = new Set<Value>();
  const sameScale = new Map<Value, Value>();

  for (const node of graph.nodes) {
    const part = partOf(node);
    if (!part) continue;
    const [input] = activationInputs(node);
    if (part === "same-scale" || part === "clipping") {
      // Only along a path that is 8-bit already; and never for its own sake at the end of the graph.
      if (!input || !values.has(input) || graph.isOutput(node.output)) {
        if (part === "clipping" && input && fusesInto(graph, input, partOf) && !graph.isOutput(node.output)) {
          values.add(node.output);
        }
        continue;
      }
      values.add(node.output);
      if (part === "same-scale") sameScale.set(node.output, input);
      continue;
    }
    const inputs = activationInputs(node);
    if (inputs.some((value) => !isFloat(value))) continue;
    for (const value of inputs) values.add(value);
    // A value the caller reads stays float: only dense layers may end the 8-bit part of the graph.
    if (!graph.isOutput(node.output) && !isClippedNext(node.output)) values.add(node.output);
  }
  return { values: inOrder(graph, values), sameScale };
}

/** The inputs that carry images, not parameters. */
function activationInputs(node: Node): Value[] {
  const present = node.inputs.filter((value) => value !== null);
  return parts[node.opType] === "own-scale" ? present : present.slice(0, 1);
}

function isFloat(value: Value): boolean {
  return value.type === null || (value.type.kind === "tensor" && value.type.elementType === "float32");
}

function padsWithZero(node: Node): boolean {
  const fill = node.input(2);
  return node.string("mode", "constant") === "constant" && (!fill || fill.constant?.toNumbers()[0] === 0);
}

/** Is the value read only by a Relu or Clip, so that the rounding goes behind that? */
function isClippedNext(value: Value): boolean {
  const reader = value.uses.length === 1 ? value.uses[0]!.node : null;
  return reader !== null && (reader.is("Relu") || (reader.is("Clip") && isStaticClip(reader)));
}

function isStaticClip(node: Node): boolean {
  const [low, high] = clipRange(node);
  return low <= 0 && high >= 0 && node.inputs.slice(1).every((bound) => !bound || bound.constant);
}

function fusesInto(graph: Graph, value: Value, partOf: (node: Node) => Part | null): boolean {
  const maker = value.producer;
  const part = maker && partOf(maker);
  return (part === "layer" || part === "own-scale") && isClippedNext(value) && !graph.isOutput(value);
}

function inOrder(graph: Graph, values: ReadonlySet<Value>): Value[] {
  return [
    ...graph.inputs.filter((value) => values.has(value)),
    ...[...graph.nodes].flatMap((node) => node.outputs.filter((value) => values.has(value))),
  ];
}
