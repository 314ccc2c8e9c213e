/**
 * Writes quantisation into a clean float graph as QuantizeLinear / DequantizeLinear pairs, in the one form
 * the engine fuses throughout: unsigned 8-bit activations, signed 8-bit weights with a scale for each
 * output channel and no zero point, 32-bit biases at the product of both scales.
 *
 * The rounded copy of a value `v` is named `v.dq`: that is how the report finds its counterpart.
 */

import { attribute, type Graph, type Node, Tensor, type Value } from "@cupel/onnx";
import { roundedName } from "@cupel/report";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import { biasOf, type Layer, weightedLayers } from "../layer.ts";
import type { QuantisedWeights } from "../weights/quantised-weights.ts";
import { emitWeights } from "./emit-weights.ts";
import { keepFloat } from "./keep-float.ts";
import { type SharedValues, sharedValues } from "./shared-values.ts";

export interface Quantisation {
  /** The activations to round, of this graph, in execution order. */
  readonly values: readonly Value[];
  /** By value name; each of `values` has one. */
  readonly activations: ReadonlyMap<string, ActivationScale>;
  /** By weight name; a layer without one stays in float. */
  readonly weights: ReadonlyMap<string, QuantisedWeights>;
}

export function emitQdq(graph: Graph, quantisation: Quantisation): void {
  const shared = sharedValues(graph);
  const layers = weightedLayers(graph);
  const scales = new Map<Value, Value>();
  for (const value of quantisation.values) {
    scales.set(value, emitActivation(graph, value, quantisation.activations.get(value.name)!, shared));
  }
  for (const layer of layers) {
    const weights = quantisation.weights.get(layer.weight.name);
    if (weights) emitLayer(graph, layer, weights, shared);
  }
  keepFloat(graph);
}

/** @returns the scale constant. */
function emitActivation(graph: Graph, value: Value, how: ActivationScale, shared: SharedValues): Value {
  const scale = shared.constant(`scale.${how.scale}`, () => Tensor.float32([], [how.scale]));
  const zeroPoint = shared.constant(`zero.${how.zeroPoint}`, () => Tensor.uint8([], [how.zeroPoint]));
  const readers = [...value.uses];
  const quantise = {
    opType: "QuantizeLinear",
    inputs: [value, scale, zeroPoint],
    outputs: [graph.uniqueName(`${value.name}.q`)],
  };
  const q = value.producer ? graph.insertAfter(value.producer, quantise) : insertFirst(graph, quantise);
  const dq = graph.insertAfter(q, {
    opType: "DequantizeLinear",
    inputs: [q.output, scale, zeroPoint],
    outputs: [roundedName(value.name)],
    ...(value.type ? { type: value.type } : {}),
  });
  for (const use of readers) use.node.setInput(use.index, dq.output);
  return scale;
}

function insertFirst(graph: Graph, spec: Parameters<Graph["append"]>[0]): Node {
  const [first] = graph.nodes;
  return first ? graph.insertBefore(first, spec) : graph.append(spec);
}

function emitLayer(graph: Graph, layer: Layer, weights: QuantisedWeights, shared: SharedValues): void {
  const oldWeight = layer.weight;
  layer.node.setInput(1, emitWeights(graph, layer, weights, shared));
  const dq = layer.node.input(0)?.producer;
  if (layer.bias && dq?.is("DequantizeLinear")) emitBias(graph, layer, weights, dq);
  if (oldWeight.uses.length === 0) graph.removeConstant(oldWeight);
}

/** b = (input scale * weight scale) * int32: the kernel adds it to its sums as it is. */
function emitBias(graph: Graph, layer: Layer, weights: QuantisedWeights, input: Node): void {
  const old = layer.bias!;
  const inputScale = input.input(1)!;
  const unit = inputScale.constant!.toFloat32()[0]!;
  const weightScale = layer.node.input(1)!.producer!.input(1)!;
  const bias = biasOf(layer);
  const integers = Int32Array.from(bias, (b, row) =>
    clampInt32(Math.round(b / Math.fround(unit * weights.scales[row]!))),
  );
  const stored = graph.addConstant(`${old.name}.q`, Tensor.int32([layer.rows], integers));
  const scale = graph.insertBefore(layer.node, {
    opType: "Mul",
    inputs: [weightScale, inputScale],
    outputs: [graph.uniqueName(`${old.name}.s`)],
  }).output;
  const dq = graph.insertBefore(layer.node, {
    opType: "DequantizeLinear",
    inputs: [stored, scale],
    outputs: [graph.uniqueName(`${old.name}.dq`)],
    attributes: { axis: attribute.int(0) },
  });
  layer.node.setInput(2, dq.output);
  if (old.uses.length === 0) graph.removeConstant(old);
}

function clampInt32(x: number): number {
  return Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x));
}
