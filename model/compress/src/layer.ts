/**
 * A layer with constant weights, seen as one matrix [O, K]: a row for each output channel, however the
 * operator lays its weights out. Scales, rounding and corrections are all done on rows.
 */
import { elementCount, own } from "@cupel/base";
import {
  type Graph,
  type Node,
  Tensor,
  tensorType,
  type Value,
  type WeightLayout,
  weightLayout,
} from "@cupel/onnx";

export interface Layer {
  readonly node: Node;
  /** What the weights multiply. */
  readonly input: Value;
  readonly weight: Value;
  /** Which input of the node the weight is: 0 only for a MatMul with a constant on its left. */
  readonly weightIndex: 0 | 1;
  readonly bias: Value | null;
  /** Output channels. */
  readonly rows: number;
  /** Weights that make one output channel. */
  readonly columns: number;
  /** The axis of the weight tensor that counts output channels, as DequantizeLinear wants it. */
  readonly axis: number;
  /** Groups of a Conv: rows are split evenly over them. 1 elsewhere. */
  readonly groups: number;
  /** Weights of one input channel within a row: kernel height times width; 1 for dense layers. */
  readonly kernelSize: number;
}

/** What is a layer, by operator: whether the rows of its weights can have scales of their own. */
const hasRows: Readonly<Record<string, (node: Node, layout: WeightLayout) => boolean>> = {
  Conv: () => true,
  // One axis must tell the output channel: that of a group, or the group itself.
  ConvTranspose: (_, { groups, inputs, outputs }) =>
    groups === 1 || (groups === inputs && groups === outputs),
  MatMul: () => true,
  Gemm: (node) => node.int("transA", 0) === 0 && node.float("alpha", 1) === 1 && node.float("beta", 1) === 1,
};

/** The layer a node is, or null when it has no constant weights of its own. */
export function layerOf(node: Node): Layer | null {
  if (node.is("MatMul") && node.input(0)?.constant) return leftLayer(node);
  const [input, weight, bias] = [node.input(0), node.input(1), node.input(2)];
  if (!input || weight?.constant?.type !== "float32") return null;
  const layout = weightLayout(node, weight.constant.dims);
  if (!layout || !own(hasRows, node.opType)?.(node, layout)) return null;
  if (bias && !channelBias(bias, layout.outputs)) return null;
  const { outputs, groups } = layout;
  const kernelSize = elementCount(layout.kernel);
  const columns = (layout.inputs / groups) * kernelSize;
  const axis = groups > 1 ? 0 : layout.outputAxis;
  return { node, input, weight, weightIndex: 1, bias, rows: outputs, columns, axis, groups, kernelSize };
}

/** [rows, columns] x [..., columns, N] */
function leftLayer(node: Node): Layer | null {
  const [weight, input] = [node.input(0)!, node.input(1)];
  const [rows, columns] = weight.constant!.dims;
  if (!input || input.constant || weight.constant!.type !== "float32" || weight.constant!.dims.length !== 2)
    return null;
  return {
    node,
    input,
    weight,
    weightIndex: 0,
    bias: null,
    rows: rows!,
    columns: columns!,
    axis: 0,
    groups: 1,
    kernelSize: 1,
  };
}

/** What messages, reports and recipes call the layer. */
export function layerName({ node }: Layer): string {
  return node.name || node.output.name;
}

export function weightedLayers(graph: Graph): Layer[] {
  return [...graph.nodes].map(layerOf).filter((layer) => layer !== null);
}

/** The weights by rows: a copy, [O, K] row-major. */
export function weightRows(layer: Layer): Float32Array {
  return inRows(layer, layer.weight.constant!.toFloat32());
}

/** Numbers in the operator's own layout by rows: a copy, [O, K] row-major. */
export function inRows(layer: Layer, data: Float32Array): Float32Array {
  if (layer.axis === 0) return data.slice();
  return swapAxes(data, [layer.columns / layer.kernelSize, layer.rows, layer.kernelSize]);
}

/** Puts rows back into the operator's own layout. */
export function inOperatorLayout<T extends Float32Array | Int8Array | Uint8Array>(layer: Layer, rows: T): T {
  if (layer.axis === 0) return rows;
  return swapAxes(rows, [layer.rows, layer.columns / layer.kernelSize, layer.kernelSize]);
}

export function setWeightRows(graph: Graph, layer: Layer, rows: Float32Array): void {
  graph.setConstant(layer.weight, Tensor.float32(layer.weight.constant!.dims, inOperatorLayout(layer, rows)));
}

/** One number an output channel; zeros when the layer has no bias. A copy. */
export function biasOf(layer: Layer): Float32Array {
  return (layer.bias && channelBias(layer.bias, layer.rows)) ?? new Float32Array(layer.rows);
}

/** A constant bias as one number a channel, a copy; null when it is none, such as Gemm's one number an image. */
export function channelBias(bias: Value, channels: number): Float32Array | null {
  const { constant } = bias;
  if (constant?.type !== "float32") return null;
  // Gemm broadcasts a bias of one element.
  if (constant.size === 1) return new Float32Array(channels).fill(constant.toFloat32()[0]!);
  return constant.size === channels && constant.dims.at(-1) === channels
    ? constant.toFloat32().slice()
    : null;
}

/** Another tensor for a parameter, maybe of another shape than the file declares for it. */
export function setParameter(graph: Graph, parameter: Value, tensor: Tensor): void {
  parameter.type = tensorType(tensor.type, tensor.dims);
  graph.setConstant(parameter, tensor);
}

/** Gives the layer a bias input if it has none. MatMul takes none: the caller checks. */
export function setBias(graph: Graph, layer: Layer, bias: Float32Array): void {
  const tensor = Tensor.float32([layer.rows], bias);
  const present = layer.node.input(2);
  if (present) setParameter(graph, present, tensor);
  else layer.node.setInput(2, graph.addConstant(`${layer.weight.name}.bias`, tensor));
}

/** [a, b, c] as [b, a, c]; a copy. */
function swapAxes<T extends Float32Array | Int8Array | Uint8Array>(
  data: T,
  [a, b, c]: readonly [number, number, number],
): T {
  const swapped = data.slice() as T;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) swapped[(j * a + i) * c + k] = data[(i * b + j) * c + k]!;
    }
  }
  return swapped;
}
