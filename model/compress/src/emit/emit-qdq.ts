/**
 * Writes quantisation into a clean float graph as QuantizeLinear / DequantizeLinear pairs, in the one form
 * the engine fuses throughout: unsigned 8-bit activations, signed 8-bit weights with a scale for each
 * output channel and no zero point, 32-bit biases at the product of both scales.
 */

import { attribute, Emitter, type Model, type Node, Tensor, type Value } from "@cupel/onnx";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import { biasOf, type Layer, weightedLayers } from "../layer.ts";
import type { QuantisedWeights } from "../weights/quantised-weights.ts";
import { emitWeights, emitWeightsAtRest } from "./emit-weights.ts";
import { keepFloat } from "./keep-float.ts";

export interface Quantisation {
  /** The activations to round, of this graph, in execution order. */
  readonly values: readonly Value[];
  /** By value name; each of `values` has one. */
  readonly activations: ReadonlyMap<string, ActivationScale>;
  /** By weight name; a layer without one keeps its float weights. */
  readonly weights: ReadonlyMap<string, QuantisedWeights>;
  /** Nodes that run on integers, by the name of their first output. */
  readonly integer: ReadonlySet<string>;
}

/** @returns the rounded copy that now stands for each of the values, by name. */
export function emitQdq(model: Model, quantisation: Quantisation): Map<string, string> {
  const emit = new Emitter(model, { typed: false });
  const layers = weightedLayers(model.graph);
  const rounded = new Map<string, string>();
  const integer = new Set(
    [...model.graph.nodes].filter((node) => quantisation.integer.has(node.output.name)),
  );
  for (const value of quantisation.values) {
    const how = quantisation.activations.get(value.name)!;
    rounded.set(value.name, emitActivation(emit, value, how).name);
  }
  for (const layer of layers) {
    const weights = quantisation.weights.get(layer.weight.name);
    if (weights) emitLayer(emit, layer, weights, integer.has(layer.node));
  }
  keepFloat(emit, integer);
  return rounded;
}

/** @returns the rounded copy. */
function emitActivation(emit: Emitter, value: Value, how: ActivationScale): Value {
  const scale = emit.shared(`scale.${how.scale}`, () => Tensor.float32([], [how.scale]));
  const zeroPoint = emit.shared(`zero.${how.zeroPoint}`, () => Tensor.uint8([], [how.zeroPoint]));
  const readers = [...value.uses];
  const behind = emit.behind(value.producer, `${value.name}.q`);
  const q = behind.op("QuantizeLinear", [value, scale, zeroPoint]);
  const name = emit.model.graph.uniqueName(`${value.name}.dq`);
  const [dq] = behind.node("DequantizeLinear", [q, scale, zeroPoint], {}, [name]);
  dq!.type = value.type;
  for (const use of readers) use.node.setInput(use.index, dq!);
  return dq!;
}

function emitLayer(emit: Emitter, layer: Layer, weights: QuantisedWeights, onIntegers: boolean): void {
  const oldWeight = layer.weight;
  const emitted = onIntegers ? emitWeights(emit, layer, weights) : emitWeightsAtRest(emit, layer, weights);
  layer.node.setInput(layer.weightIndex, emitted);
  const dq = layer.node.input(0)?.producer;
  if (onIntegers && layer.bias && dq?.is("DequantizeLinear")) emitBias(emit, layer, weights, dq);
  if (oldWeight.uses.length === 0) emit.model.graph.removeConstant(oldWeight);
}

/** b = (input scale * weight scale) * int32: the kernel adds it to its sums as it is. */
function emitBias(emit: Emitter, layer: Layer, weights: QuantisedWeights, input: Node): void {
  const { graph } = emit.model;
  const old = layer.bias!;
  const inputScale = input.input(1)!;
  const unit = inputScale.constant!.toFloat32()[0]!;
  const weightScale = layer.node.input(1)!.producer!.input(1)!;
  const bias = biasOf(layer);
  const integers = Int32Array.from(bias, (b, row) =>
    clampInt32(Math.round(b / Math.fround(unit * weights.scales[row]!))),
  );
  const stored = graph.addConstant(`${old.name}.q`, Tensor.int32([layer.rows], integers));
  const scale = emit.before(layer.node, `${old.name}.s`).mul(weightScale, inputScale);
  const dq = emit
    .before(layer.node, `${old.name}.dq`)
    .op("DequantizeLinear", [stored, scale], { axis: attribute.int(0) });
  layer.node.setInput(2, dq);
  if (old.uses.length === 0) graph.removeConstant(old);
}

function clampInt32(x: number): number {
  return Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x));
}
