/**
 * Where the channels of a layer's output are read. They are followed through operators that let a positive factor through,
 * and through Concat, behind which they are a slice of what the next layers read. A channel that anything else reads has
 * a size that matters: it is not followed.
 */
import { fromStart, type Graph, type Node, type Value } from "@cupel/onnx";
import type { Layer } from "../layer.ts";

/** A value and the first of its channels that is one of the layer's. */
export interface ValueSlice {
  readonly value: Value;
  readonly from: number;
  /** Of the value. */
  readonly channels: number;
}

export interface FollowedOutput {
  /** The layer's output and all that is made of it, in the order they are met. */
  readonly slices: readonly ValueSlice[];
  /** The layers that read them, each with the first of its input channels. At least one. */
  readonly readers: readonly { readonly layer: Layer; readonly from: number }[];
}

/** f(s x) = s f(x) for s > 0, channel by channel. Clip has a fixed bound. */
const lettingThrough = ["Relu", "LeakyRelu"] as const;
/** The same of [N, C, ...], where C is left alone. */
const pooling = ["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"] as const;

/** @param layers by their node. @returns null where something else reads a channel */
export function followOutput(
  graph: Graph,
  first: Layer,
  layers: ReadonlyMap<Node, Layer>,
): FollowedOutput | null {
  // Its output channels are on another axis than a following layer reads.
  if (first.weightIndex === 0) return null;
  const output = first.node.output;
  const axis = channelAxis(first.node, output);
  const slices: ValueSlice[] = [];
  const readers: { layer: Layer; from: number }[] = [];

  /** @returns whether all who read the slice were followed to layers. */
  const follow = (slice: ValueSlice): boolean => {
    const { value, from, channels } = slice;
    if (value.uses.length === 0 || graph.isOutput(value)) return false;
    slices.push(slice);
    return value.uses.every(({ node, index }) => {
      const layer = layers.get(node);
      if (layer) {
        const isInput = index === 0 && layer.weightIndex === 1 && channelAxis(node, value) === axis;
        if (!isInput || channels !== inputChannels(layer)) return false;
        readers.push({ layer, from });
        return true;
      }
      if (!graph.nodes.has(node) || node.outputs.length !== 1) return false;
      if (node.is(...lettingThrough) || (axis === 1 && node.is(...pooling)))
        return follow({ value: node.output, from, channels });
      const sizes = node.is("Concat") ? sizesJoined(node, axis) : null;
      if (sizes === null) return false;
      const before = sumOf(sizes.slice(0, index));
      return follow({ value: node.output, from: before + from, channels: sumOf(sizes) });
    });
  };
  return follow({ value: output, from: 0, channels: first.rows }) ? { slices, readers } : null;
}

/** The axis that counts channels of what a layer makes or reads. */
function channelAxis(node: Node, { shape }: Value): number {
  return node.is("Conv", "ConvTranspose") ? 1 : (shape?.length ?? 2) - 1;
}

/** Channels of each input of a Concat; null where it joins along another axis, or sizes are not known. */
function sizesJoined(node: Node, axis: number): number[] | null {
  const rank = node.output.shape?.length;
  if (rank === undefined || fromStart(node.int("axis", 0), rank) !== axis) return null;
  const sizes = node.inputs.map((value) => value?.shape?.[axis]);
  return sizes.every((size) => typeof size === "number") ? sizes : null;
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function inputChannels(layer: Layer): number {
  return layer.groups * (layer.columns / layer.kernelSize);
}
