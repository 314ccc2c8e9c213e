/**
 * Cross-layer equalisation (Nagel et al., "Data-Free Quantization through Weight Equalization and Bias
 * Correction", 2019): Relu lets a positive factor through, so a channel may be scaled down in one layer
 * and up in the next without changing what the network computes:
 *
 *   W2 relu(W1 x + b1) = (W2 S) relu(S^-1 (W1 x + b1)),   S = diag(sqrt(r1 / r2)),
 *
 * with r the largest weight a channel has on each side. Channels of one activation then have similar
 * ranges, so that one activation scale fits all. Where several layers read a channel, r2 is the largest of them; behind
 * a Concat they read each branch in a slice of their own (`follow-output.ts`).
 */
import type { Graph } from "@cupel/onnx";
import { type Layer, weightedLayers } from "../layer.ts";
import { type FollowedOutput, followOutput } from "./follow-output.ts";
import { ScaledLayer } from "./scaled-layer.ts";

/** Sweeps over all pairs; chains settle within a few. */
const sweeps = 10;
/** Largest change of a factor that still counts as settled. */
const settled = 1e-3;
/** Channels without weight on one side are left alone, and no factor may leave this range. */
const largestFactor = 64;

interface Pair extends FollowedOutput {
  readonly first: Layer;
}

export interface Equalisation {
  /** Layers whose output channels are scaled, each with those that read them. */
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
  for (const { first, readers } of pairs) {
    for (const layer of [first, ...readers.map((reader) => reader.layer)])
      if (!sides.has(layer)) sides.set(layer, new ScaledLayer(layer));
  }
  const sideOf = (layer: Layer) => sides.get(layer)!;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const moved = Math.max(0, ...pairs.map((pair) => equalise(pair, sideOf)));
    if (moved < settled) break;
  }
  return { sides: sides.values(), found: { pairs: pairs.length, factors: factorsOf(pairs, sideOf) } };
}

/** Of every value in between; 1 for what a Concat joins besides. */
function factorsOf(
  pairs: readonly Pair[],
  sideOf: (layer: Layer) => ScaledLayer,
): ReadonlyMap<string, Float32Array> {
  const factors = new Map<string, Float32Array>();
  for (const { first, slices } of pairs) {
    const { divisors } = sideOf(first);
    for (const { value, from, channels } of slices) {
      const known = factors.get(value.name) ?? new Float32Array(channels).fill(1);
      known.set(divisors, from);
      factors.set(value.name, known);
    }
  }
  return factors;
}

function equalisablePairs(graph: Graph): Pair[] {
  const layers = weightedLayers(graph);
  const byNode = new Map(layers.map((layer) => [layer.node, layer]));
  return layers.flatMap((first) => {
    const followed = followOutput(graph, first, byNode);
    return followed ? [{ first, ...followed }] : [];
  });
}

/** @returns the largest relative change of a channel. */
function equalise({ first, readers }: Pair, sideOf: (layer: Layer) => ScaledLayer): number {
  const own = sideOf(first).rangesMade();
  const read = readers.map(({ layer, from }) =>
    sideOf(layer)
      .rangesRead()
      .subarray(from, from + first.rows),
  );
  let moved = 0;
  const factors = own.map((range, channel) => {
    const next = read.reduce((most, ranges) => Math.max(most, ranges[channel]!), 0);
    if (range === 0 || next === 0) return 1;
    const factor = Math.min(largestFactor, Math.max(1 / largestFactor, Math.sqrt(range / next)));
    moved = Math.max(moved, Math.abs(factor - 1));
    return factor;
  });
  sideOf(first).divide(factors);
  for (const { layer, from } of readers) sideOf(layer).multiply(factors, from);
  return moved;
}
