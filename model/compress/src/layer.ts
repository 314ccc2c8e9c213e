/**
 * A layer with constant weights, seen as one matrix [O, K]: a row for each output channel, however the
 * operator lays its weights out. Scales, rounding and corrections are all done on rows.
 */
import { elementCount } from "@cupel/base";
import { type Graph, type Node, Tensor, tensorType, type Value, weightLayout } from "@cupel/onnx";

export interface Layer {
  readonly node: Node;
  readonly weight: Value;
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

/** The layers the engine has 8-bit kernels for, in the form these take. */
function isQuantisable(node: Node): boolean {
  if (node.is("Conv", "MatMul")) return true;
  return (
    node.is("Gemm") &&
    node.int("transA", 0) === 0 &&
    node.float("alpha", 1) === 1 &&
    node.float("beta", 1) === 1
  );
}

/** The layer a node is, or null when it has no constant weights of its own. */
export function layerOf(node: Node): Layer | null {
  const weight = node.input(1);
  if (!isQuantisable(node) || weight?.constant?.type !== "float32") return null;
  const layout = weightLayout(node, weight.constant.dims);
  const bias = node.input(2);
  if (!layout || (bias && !channelBias(bias, layout.outputs))) return null;
  const { outputs, groups, outputAxis } = layout;
  const kernelSize = elementCount(layout.kernel);
  const columns = (layout.inputs / groups) * kernelSize;
  return { node, weight, bias, rows: outputs, columns, axis: outputAxis, groups, kernelSize };
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
  const data = layer.weight.constant!.toFloat32();
  return layer.axis === 0 ? data.slice() : transpose(data, layer.columns, layer.rows);
}

/** Puts rows back into the operator's own layout. */
export function inOperatorLayout<T extends Float32Array | Int8Array | Uint8Array>(layer: Layer, rows: T): T {
  return layer.axis === 0 ? rows : transpose(rows, layer.rows, layer.columns);
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

function transpose<T extends Float32Array | Int8Array | Uint8Array>(
  data: T,
  rows: number,
  columns: number,
): T {
  const turned = data.slice() as T;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = data[r * columns + c]!;
  }
  return turned;
}
