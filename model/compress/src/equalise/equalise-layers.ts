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
import { type Layer, weightedLayers } from "../layer.ts";
import { ScaledLayer } from "./scaled-layer.ts";

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

/** What `equaliseLayers` would do; edits nothing. */
export function equalisationOf(graph: Graph): Equalisation {
  return settledSides(graph).found;
}

/** Edits the layers in place. */
export function equaliseLayers(graph: Graph): Equalisation {
  const { sides, found } = settledSides(graph);
  for (const side of sides) side.apply(graph);
  return found;
}

function settledSides(graph: Graph): { readonly sides: Iterable<ScaledLayer>; readonly found: Equalisation } {
  const pairs = equalisablePairs(graph);
  const sides = new Map<Layer, ScaledLayer>();
  for (const { first, second } of pairs) {
    for (const layer of [first, second]) if (!sides.has(layer)) sides.set(layer, new ScaledLayer(layer));
  }
  const sideOf = (layer: Layer) => sides.get(layer)!;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const moved = Math.max(0, ...pairs.map(({ first, second }) => equalise(sideOf(first), sideOf(second))));
    if (moved < settled) break;
  }
  const factors = new Map(
    pairs.flatMap(({ first, between }) =>
      between.map(({ name }) => [name, Float32Array.from(sideOf(first).divisors)] as const),
    ),
  );
  return { sides: sides.values(), found: { pairs: pairs.length, factors } };
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
function equalise(first: ScaledLayer, second: ScaledLayer): number {
  const own = first.rangesMade();
  const next = second.rangesRead();
  let moved = 0;
  const factors = own.map((range, channel) => {
    if (range === 0 || next[channel] === 0) return 1;
    const factor = Math.min(largestFactor, Math.max(1 / largestFactor, Math.sqrt(range / next[channel]!)));
    moved = Math.max(moved, Math.abs(factor - 1));
    return factor;
  });
  first.divide(factors);
  second.multiply(factors);
  return moved;
}
