/**
 * What `cupel inspect` shows of a model, as plain data: what it takes and gives, what it is made of, and
 * for each layer its output, parameters, bytes and multiply-accumulates.
 *
 * In a quantised graph the weight of a Conv stands behind DequantizeLinear, Cast, Gather and the like. Such
 * nodes, which read constants only, are no layers: what they hold is counted to the layer they feed.
 */
import type { ElementType, Model, Node, Shape, Tensor, Value, ValueType } from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";
import { operatorFacts } from "../operator/operator-facts.ts";
import { macsOf } from "./macs.ts";

export interface LayerSummary {
  /** The operator and the node's name (or that of its first output), as messages name it. */
  readonly label: string;
  /** Name of the node; that of its first output when it has none. */
  readonly name: string;
  readonly opType: string;
  /** Null when not known. */
  readonly outputShape: Shape;
  /** Weights: elements of constants of rank 1 and more, scales, zero points and shape constants left out. */
  readonly parameters: number;
  /** All constants of the layer as stored. */
  readonly bytes: number;
  /** Element type the largest weight is stored in; null without weights. */
  readonly weightType: ElementType | null;
  /** Multiply-accumulates for one item of the batch when that is symbolic; null for operators without. */
  readonly macs: number | null;
}

export interface ValueSummary {
  readonly name: string;
  readonly elementType: ElementType | null;
  readonly shape: Shape;
}

export interface GraphSummary {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly inputs: readonly ValueSummary[];
  readonly outputs: readonly ValueSummary[];
  /** Nodes by operator, most frequent first; those of another domain as `domain.Operator`. */
  readonly operators: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly parameters: number;
  /** Of all constants as stored, each counted once. */
  readonly weightBytes: number;
  readonly macs: number;
  readonly layers: readonly LayerSummary[];
}

/** Does not change the model. @throws SHAPE_CONFLICT */
export function graphSummary(model: Model): GraphSummary {
  const { graph } = model;
  const layers = layersOf(model);
  const nodes = [...graph.allNodes()];
  const constants = new Set(Array.from(graph.initializers, (value) => value.constant!));
  for (const node of nodes) for (const held of tensorsIn(node)) constants.add(held);
  return {
    irVersion: model.irVersion,
    opset: model.opset,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    inputs: graph.inputs.filter((input) => !input.constant).map(summaryOf),
    outputs: graph.outputs.map(summaryOf),
    operators: countOperators(nodes),
    nodes: nodes.length,
    parameters: sum(layers.map((layer) => layer.parameters)),
    weightBytes: sum([...constants].map((tensor) => storedBytes(tensor))),
    macs: sum(layers.map((layer) => layer.macs ?? 0)),
    layers,
  };
}

/** The nodes of the main graph that compute on data, in order. Shared constants count to the first reader. */
export function layersOf(model: Model): LayerSummary[] {
  const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: false });
  const typeOf = (value: Value): ValueType | null => types.get(value) ?? value.type;
  const shapeOf = (value: Value | null): Shape => {
    const type = value && typeOf(value);
    return type?.kind === "tensor" ? type.shape : null;
  };
  const derived = constantNodes(model);
  const counted = new Set<Tensor>();
  const layers: LayerSummary[] = [];
  for (const node of model.graph.nodes) {
    if (derived.has(node)) continue;
    const weights = weightsOf(node, derived).filter(({ tensor }) => !counted.has(tensor));
    for (const { tensor } of weights) counted.add(tensor);
    const counting = weights.filter((weight) => weight.isParameter);
    const largest = counting.toSorted((a, b) => b.tensor.size - a.tensor.size)[0];
    const output = node.outputs[0];
    layers.push({
      label: node.label,
      name: node.name || (output?.name ?? ""),
      opType: node.opType,
      outputShape: output ? shapeOf(output) : null,
      parameters: sum(counting.map(({ tensor }) => tensor.size)),
      bytes: sum(weights.map(({ tensor }) => storedBytes(tensor))),
      weightType: largest?.tensor.type ?? null,
      macs: macsOf(node, shapeOf),
    });
  }
  return layers;
}

interface Weight {
  readonly tensor: Tensor;
  readonly isParameter: boolean;
}

/** Nodes that read nothing but constants, and are not themselves what the model gives. */
function constantNodes(model: Model): Set<Node> {
  const found = new Set<Node>();
  const fed = new Set(model.graph.inputs);
  for (const node of model.graph.nodes) {
    const isConstant = node.inputs.every(
      (value) =>
        !value || (!fed.has(value) && (value.constant || (value.producer && found.has(value.producer)))),
    );
    const isDrawn = node.opType.startsWith("Random");
    if (isConstant && !isDrawn && !node.outputs.some((output) => model.graph.isOutput(output)))
      found.add(node);
  }
  return found;
}

/** The constants of a node and of the constant nodes behind it. */
function weightsOf(node: Node, derived: ReadonlySet<Node>): Weight[] {
  const direct = node.inputs.flatMap((value, index): Weight[] => {
    if (value?.constant) {
      return [{ tensor: value.constant, isParameter: isParameter(node, index, value.constant) }];
    }
    return value?.producer && derived.has(value.producer) ? weightsOf(value.producer, derived) : [];
  });
  return [...direct, ...tensorsIn(node).map((tensor) => ({ tensor, isParameter: isWeightType(tensor) }))];
}

/**
 * Scales and zero points describe weights, integers of 64 bits describe shapes, scalars describe the
 * operator (a Clip's bounds); none of them was trained.
 */
function isParameter(node: Node, index: number, tensor: Tensor): boolean {
  const { quantised, weights } = operatorFacts(node);
  return quantised ? weights?.includes(index) === true : isWeightType(tensor);
}

function isWeightType(tensor: Tensor): boolean {
  return tensor.dims.length > 0 && !["int64", "bool", "string"].includes(tensor.type);
}

function tensorsIn(node: Node): Tensor[] {
  const held = node.is("Constant") ? node.tensor("value") : null;
  return held ? [held] : [];
}

function storedBytes(tensor: Tensor): number {
  if (tensor.source.kind !== "strings") return tensor.byteLength;
  return sum(tensor.source.strings.map((text) => text.byteLength));
}

function summaryOf(value: Value): ValueSummary {
  return {
    name: value.name,
    elementType: value.type?.kind === "tensor" ? value.type.elementType : null,
    shape: value.shape,
  };
}

function countOperators(nodes: readonly Node[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const name = node.isStandard ? node.opType : `${node.domain}.${node.opType}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
