/**
 * Cross-layer equalisation (Nagel et al., "Data-Free Quantization through Weight Equalization and Bias
 * Correction", 2019): Relu lets a positive factor through, so a channel may be scaled down in one layer
 * and up in the next without changing what the network computes:
 *
 *   W2 relu(W1 x + b1) = (W2 S) relu(S^-1 (W1 x + b1)),   S = diag(sqrt(r1 / r2)),
 *
 * with r the largest weight a channel has on each side. Channels of one activation then have similar
 * ranges, so that one activation scale fits all. Clip has a fixed bound and lets no factor through.
 */
import type { Graph, Value } from "@cupel/onnx";
import { biasOf, type Layer, setBias, setWeightRows, weightedLayers, weightRows } from "../layer.ts";

/** Sweeps over all pairs; chains settle within a few. */
const sweeps = 10;
/** Largest change of a factor that still counts as settled. */
const settled = 1e-3;
/** Channels without weight on one side are left alone, and no factor may leave this range. */
const largestFactor = 64;

interface Pair {
  readonly first: Layer;
  readonly second: Layer;
  /** The values between them, whose channels are scaled: the layer's output, and that of the Relu. */
  readonly between: readonly Value[];
}

export interface Equalisation {
  /** Pairs of layers found. */
  readonly pairs: number;
  /** By value name, what each channel was divided by in all: times it, the value is what it was. */
  readonly factors: ReadonlyMap<string, Float32Array>;
}

/** Edits the layers in place. */
export function equaliseLayers(graph: Graph): Equalisation {
  const pairs = equalisablePairs(graph);
  const factors = new Map<string, Float32Array>();
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const moved = Math.max(0, ...pairs.map((pair) => equalise(graph, pair, factors)));
    if (moved < settled) break;
  }
  return { pairs: pairs.length, factors };
}

/** Layers joined by nothing but at most one Relu, whose value nobody else reads. */
function equalisablePairs(graph: Graph): Pair[] {
  const layers = weightedLayers(graph);
  const byNode = new Map(layers.map((layer) => [layer.node, layer]));
  return layers.flatMap((first) => {
    // Its output channels are on another axis than a following layer reads.
    if (first.weightIndex === 0) return [];
    let value = first.node.output;
    const between = [value];
    let reader = onlyReader(graph, value);
    if (reader?.is("Relu")) {
      value = reader.output;
      between.push(value);
      reader = onlyReader(graph, value);
    }
    const second = reader && reader.input(0) === value ? byNode.get(reader) : undefined;
    return second && inputChannels(second) === first.rows ? [{ first, second, between }] : [];
  });
}

function onlyReader(graph: Graph, value: Value) {
  return value.uses.length === 1 && !graph.isOutput(value) ? value.uses[0]!.node : null;
}

function inputChannels(layer: Layer): number {
  return layer.groups * (layer.columns / layer.kernelSize);
}

/** @returns the largest relative change of a channel. */
function equalise(graph: Graph, { first, second, between }: Pair, inAll: Map<string, Float32Array>): number {
  const before = weightRows(first);
  const after = weightRows(second);
  const bias = biasOf(first);
  let moved = 0;
  const factors = Float64Array.from({ length: first.rows }, (_, channel) => {
    const own = largestOf(before, channel * first.columns, first.columns);
    const next = largestReading(second, after, channel);
    if (own === 0 || next === 0) return 1;
    const factor = Math.min(largestFactor, Math.max(1 / largestFactor, Math.sqrt(own / next)));
    moved = Math.max(moved, Math.abs(factor - 1));
    return factor;
  });
  for (let i = 0; i < before.length; i++) before[i]! /= factors[Math.floor(i / first.columns)]!;
  for (let i = 0; i < after.length; i++) after[i]! *= factors[channelReadBy(second, i)]!;
  setWeightRows(graph, first, before);
  setWeightRows(graph, second, after);
  if (first.bias)
    setBias(
      graph,
      first,
      Float32Array.from(bias, (b, channel) => b / factors[channel]!),
    );
  for (const { name } of between) {
    const soFar = inAll.get(name);
    inAll.set(
      name,
      Float32Array.from(factors, (factor, channel) => factor * (soFar?.[channel] ?? 1)),
    );
  }
  return moved;
}

function largestOf(values: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

/** The input channel that element `i` of the weights [O, K] multiplies. */
function channelReadBy(layer: Layer, i: number): number {
  const channelsPerGroup = layer.columns / layer.kernelSize;
  const group = Math.floor(Math.floor(i / layer.columns) / (layer.rows / layer.groups));
  return group * channelsPerGroup + Math.floor((i % layer.columns) / layer.kernelSize);
}

function largestReading(layer: Layer, weights: Float32Array, channel: number): number {
  const channelsPerGroup = layer.columns / layer.kernelSize;
  const rowsPerGroup = layer.rows / layer.groups;
  const firstRow = Math.floor(channel / channelsPerGroup) * rowsPerGroup;
  const firstColumn = (channel % channelsPerGroup) * layer.kernelSize;
  let largest = 0;
  for (let row = firstRow; row < firstRow + rowsPerGroup; row++) {
    largest = Math.max(largest, largestOf(weights, row * layer.columns + firstColumn, layer.kernelSize));
  }
  return largest;
}
