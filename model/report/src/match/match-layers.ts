/**
 * Finds the activations both models have, which is what the report compares layer by layer.
 *
 * The correspondence says which value of the compressed model stands for which of the original. Only those
 * whose tap leaves the engine's fusions alone are taken: a rounded copy, behind DequantizeLinear, is made by
 * the engine anyway, but reading a float value ahead of its QuantizeLinear, or between a layer and its
 * activation, would make the engine run another graph than the one that is shipped.
 */
import type { Correspondence, Counterpart, Graph, Node, Value } from "@cupel/onnx";
import { type Segment, segmentsOf } from "./segments.ts";

export interface MatchedLayer {
  /** The value's name in the original model. */
  readonly name: string;
  /** What to tap in the compressed model, and how its channels relate to the original's. */
  readonly counterpart: Counterpart;
  /** "Conv + BatchNormalization + Relu" */
  readonly operator: string;
  readonly original: Segment;
  readonly compressed: Segment;
  /** Names of the layers this one is computed from; none when it reads the image only. */
  readonly inputs: readonly string[];
}

/** Operators that only hand elements on: they make no error of their own and are no layer. */
const handsOn = new Set([
  "Identity",
  "Dropout",
  "Cast",
  "Constant",
  "Reshape",
  "Flatten",
  "Transpose",
  "Squeeze",
  "Unsqueeze",
  "Slice",
  "Split",
  "Gather",
  "Expand",
  "Pad",
]);

/** Operators that end a layer where nothing is rounded. */
const endsLayer = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "BatchNormalization",
  "LayerNormalization",
  "Add",
  "Mul",
  "Concat",
  "Relu",
  "LeakyRelu",
  "PRelu",
  "Clip",
  "Sigmoid",
  "HardSigmoid",
  "HardSwish",
  "Gelu",
  "Elu",
  "Tanh",
  "Softmax",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
]);

/** Operators the engine fuses into the one before them, so that nothing may be read in between. */
const continues = new Set([
  "BatchNormalization",
  "Relu",
  "LeakyRelu",
  "Clip",
  "Sigmoid",
  "HardSigmoid",
  "Tanh",
]);

/** Most operators named for one layer. */
const namedOperators = 6;

/** Both graphs MUST have inferred types. Layers are in the execution order of the original. */
export function matchLayers(
  original: Graph,
  compressed: Graph,
  correspondence: Correspondence,
): MatchedLayer[] {
  const pairs = [...original.nodes].flatMap((node) => {
    const value = node.outputs[0];
    if (!value || !isFloat(value) || (handsOn.has(node.opType) && !original.isOutput(value))) return [];
    const counterpart = correspondence.get(value.name);
    const end = counterpart && compressed.value(counterpart.name);
    return end && canBeCompared(original, value, compressed, end) ? [{ value, counterpart, end }] : [];
  });
  const before = segmentsOf(
    original,
    pairs.map(({ value }) => value),
  );
  const after = segmentsOf(
    compressed,
    pairs.map(({ end }) => end),
  );
  return pairs.map(({ value, counterpart }, i) => ({
    name: value.name,
    counterpart,
    operator: operatorText(before[i]!.nodes),
    original: before[i]!,
    compressed: after[i]!,
    inputs: before[i]!.inputs.map((input) => input.name),
  }));
}

function canBeCompared(original: Graph, value: Value, compressed: Graph, counterpart: Value): boolean {
  if (counterpart.producer?.is("DequantizeLinear")) return true;
  return (
    counterpart.producer !== null &&
    isFloat(counterpart) &&
    endsLayer.has(value.producer!.opType) &&
    isReadable(original, value) &&
    isReadable(compressed, counterpart)
  );
}

/** Can the value be read without parting what the engine fuses? */
function isReadable(graph: Graph, value: Value): boolean {
  if (graph.isOutput(value)) return true;
  const readers = value.consumers;
  const isFollowed = readers.length === 1 && readers[0]!.isStandard && continues.has(readers[0]!.opType);
  return !isFollowed && !isBiased(value) && !readers.some((reader) => reader.is("QuantizeLinear"));
}

/** Is the value a matrix product whose bias is added by a node of its own? */
function isBiased(value: Value): boolean {
  const [reader, ...others] = value.consumers;
  return (
    value.producer?.is("MatMul", "Conv") === true &&
    others.length === 0 &&
    reader?.is("Add") === true &&
    reader.inputs.some((input) => input?.constant)
  );
}

function isFloat(value: Value): boolean {
  return value.type?.kind === "tensor" && value.type.elementType === "float32";
}

function operatorText(nodes: readonly Node[]): string {
  const named = nodes.map((node) => node.opType).filter((opType) => !handsOn.has(opType));
  if (named.length === 0) return nodes.at(-1)?.opType ?? "";
  const shown = named.slice(-namedOperators).join(" + ");
  return named.length > namedOperators ? `${named.length - namedOperators} more + ${shown}` : shown;
}
