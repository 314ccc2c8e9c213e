/**
 * A layer as far as its time depends on it: operator, form, sizes and widths. Two layers of one shape take the same
 * time, and layers that differ in widths alone lie on one curve.
 */
import { type Graph, type Model, type Node, subgraphsOf, type Value } from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";
import { type Layer, layerName, layerOf } from "../layer.ts";

export interface LayerShape {
  readonly operator: "Conv" | "Gemm";
  /** `int8` as Cupel emits it: activations of 8 bits without sign, weights with a scale a channel. */
  readonly form: "float32" | "int8";
  /** Channels that one output channel reads: those of its group. */
  readonly inputs: number;
  readonly outputs: number;
  /** `each` for a depthwise Conv: as many as there are channels. */
  readonly groups: number | "each";
  /** Height and width; empty for Gemm, as are the following. */
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before each axis, then behind each. */
  readonly pads: readonly number[];
}

export interface ModelLayer {
  readonly name: string;
  readonly shape: LayerShape;
  /** Names of the values that it reads and makes. */
  readonly input: string;
  readonly output: string;
  /** Whether pruning may change the widths: not the image's channels, nor the scores of the model. */
  readonly prunes: { readonly inputs: boolean; readonly outputs: boolean };
}

/** The layers that a table knows of a model; all else in it is its rest. */
export interface ModelLayers {
  readonly layers: readonly ModelLayer[];
  /** What nodes of the rest make, in elements for one image: its time follows them. */
  readonly rest: readonly { readonly value: string; readonly elements: number }[];
}

export function elementsIn({ rest }: ModelLayers): number {
  return rest.reduce((sum, { elements }) => sum + elements, 0);
}

/** Layers of one curve differ in widths alone. */
export function curveKey({ inputs: _, outputs: __, ...rest }: LayerShape): string {
  const { operator, form, groups, size, kernel, strides, dilations, pads } = rest;
  return [operator, form, `groups ${groups}`, ...[size, kernel, strides, dilations, pads].map(String)].join(
    "; ",
  );
}

/**
 * @param integer names of the first outputs of nodes that run on integers
 * @param model in float, cleaned, as the stages have it
 */
export function layersIn(
  model: Model,
  preprocessing: Preprocessing,
  integer: ReadonlySet<string> = new Set(),
): ModelLayers {
  const { graph } = atImageSize(model, preprocessing);
  const layers: ModelLayer[] = [];
  const rest: { value: string; elements: number }[] = [];
  for (const node of graph.nodes) {
    const layer = layerOf(node);
    const shape = layer && shapeOf(layer, integer.has(node.output.name) ? "int8" : "float32");
    if (shape) {
      const [input, output] = [layer.input.name, node.output.name];
      layers.push({ name: layerName(layer), shape, input, output, prunes: prunesOf(graph, layer) });
    } else if (!isFused(node) && subgraphsOf(node).length === 0)
      rest.push({ value: node.output.name, elements: elementsOf(node.output) });
  }
  return { layers, rest };
}

/** Null for what is no plain layer of an image: a product of tokens, a convolution of other than two axes. */
function shapeOf(
  { node, input, rows, columns, groups, kernelSize }: Layer,
  form: LayerShape["form"],
): LayerShape | null {
  const none = { size: [], kernel: [], strides: [], dilations: [], pads: [] };
  if (node.is("Gemm")) return { operator: "Gemm", form, inputs: columns, outputs: rows, groups: 1, ...none };
  const size = input.shape?.slice(2) ?? [];
  if (!node.is("Conv") || size.length !== 2 || !size.every((each) => typeof each === "number")) return null;
  if (node.string("auto_pad", "NOTSET") !== "NOTSET") return null;
  const isDepthwise = groups > 1 && groups === rows && columns === kernelSize;
  return {
    operator: "Conv",
    form,
    inputs: columns / kernelSize,
    outputs: rows,
    groups: isDepthwise ? "each" : groups,
    size,
    kernel: node.input(1)!.constant!.dims.slice(2),
    strides: node.ints("strides") ?? [1, 1],
    dilations: node.ints("dilations") ?? [1, 1],
    pads: node.ints("pads") ?? [0, 0, 0, 0],
  };
}

function prunesOf(graph: Graph, { node, input }: Layer): ModelLayer["prunes"] {
  return { inputs: !graph.inputs.includes(input), outputs: !graph.isOutput(node.output) };
}

/** An activation alone behind a layer is part of its kernel. */
function isFused(node: Node): boolean {
  const maker = node.input(0)?.producer;
  return node.is("Relu", "Clip") && maker?.is("Conv", "Gemm") === true && node.input(0)!.uses.length === 1;
}

/** Of one image; sizes that are not known count as one. */
function elementsOf({ shape }: Value): number {
  return (shape ?? [])
    .slice(1)
    .reduce<number>((product, size) => product * (typeof size === "number" ? size : 1), 1);
}
