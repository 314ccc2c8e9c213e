/**
 * The network as it is compressed, ready to be trained: every layer at the bits, the levels and the steps of the plan, every
 * activation where it will be rounded. Each weight begins at the level that was found for it, whoever found it. At its place in
 * the float network it would be rounded to the nearest, and a fifth of the codes that take back what others lost would be given up.
 *
 * Normalisation is folded already (stage clean), and stays folded: the steps belong to folded weights, and the graph that is
 * trained has no layer that the graph that is written lacks. What could not be folded keeps its running statistics.
 */
import { cloneModel, type Model } from "@cupel/onnx";
import { type FakeActivation, type FakeQuantised, type FakeWeight, fakeQuantise } from "@cupel/train";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import { mostStep } from "../calibrate/value-scales.ts";
import { chosen } from "../emit/emit-model.ts";
import { type Layer, layerOf, setBias, setWeightRows, weightedLayers, weightRows } from "../layer.ts";
import type { Variant } from "../search/variants.ts";
import type { Calibrated, Quantised } from "../stage/stage.ts";
import { dequantise, uniformLevels, type WeightBits } from "../weights/quantised-weights.ts";
import { RoundingLevels } from "../weights/rounding-levels.ts";
import { bestScale } from "../weights/scale-search.ts";

export interface RoundedNetworkOptions {
  /** Whether the steps of the activations are trained, too. */
  readonly learnsActivations: boolean;
  /** Whether a layer has one step for all of its rows. */
  readonly isByTensor: boolean;
  /** Largest magnitude of a layer's int8 weights. */
  readonly mostLevelOf: (layer: Layer) => 127 | 63;
  /** The layer rounded without blocks, to levels a step apart, with the bias that goes with them. */
  readonly evenly: (layer: Layer, bits: WeightBits) => Variant;
}

export interface RoundedNetwork {
  readonly network: FakeQuantised;
  /** Of the float model, those that are trained, with the levels they are rounded to. */
  readonly layers: readonly RoundedLayer[];
}

export interface RoundedLayer {
  readonly layer: Layer;
  readonly variant: Variant;
  readonly levels: Int8Array;
  /** Of the constant that is trained; null for none. */
  readonly bias: string | null;
}

/** `float` is left as it is. */
export function roundedNetwork(
  float: Model,
  { placement, scales }: Pick<Calibrated, "placement" | "scales">,
  { variants, plan }: Pick<Quantised, "variants" | "plan">,
  options: RoundedNetworkOptions,
): RoundedNetwork {
  const model = cloneModel(float);
  const { graph } = model;
  const weights: FakeWeight[] = [];
  const layers: RoundedLayer[] = [];
  for (const { node } of weightedLayers(graph)) {
    const original = layerOf(node)!;
    const held = chosen(variants, plan, original.weight.name);
    if (!held) continue;
    const variant = held.weights.blocks === null ? held : options.evenly(original, held.bits);
    if (variant.bias) setBias(graph, original, variant.bias);
    const layer = layerOf(node)!;
    const { weights: found } = variant;
    // Of 8 bits single rows may have been allowed more levels than all may have.
    const levels = variant.bits === 8 ? uniformLevels(8, options.mostLevelOf(layer)) : found.levels;
    const begins = levels.length === found.levels.length;
    const steps = begins ? found.scales : bestSteps(layer, levels, options.isByTensor);
    if (begins) setWeightRows(graph, layer, dequantise(found));
    const bias = variant.bias && layer.bias ? layer.bias.name : null;
    const onIntegers = placement.integer.has(node.output.name) && scales.has(layer.input.name);
    layers.push({ layer, variant, levels, bias });
    weights.push({
      name: layer.weight.name,
      axis: layer.axis,
      steps: options.isByTensor ? steps.slice(0, 1) : steps,
      levels,
      bias: bias === null ? null : { name: bias, input: onIntegers ? layer.input.name : null },
    });
  }
  const activations = activationsOf({ placement, scales }, options.learnsActivations);
  return { network: fakeQuantise(model, { weights, activations }), layers };
}

function bestSteps(layer: Layer, levels: Int8Array, isByTensor: boolean): Float32Array {
  const rounding = new RoundingLevels(levels);
  const rows = weightRows(layer);
  const size = isByTensor ? rows.length : layer.columns;
  const alike = new Float32Array(size).fill(1);
  return Float32Array.from({ length: rows.length / size }, (_, at) => {
    const { scale } = bestScale(rows.subarray(at * size, (at + 1) * size), alike, rounding);
    // A row of zeros is one in any scale.
    return scale >= 2 ** -100 ? scale : 1;
  });
}

/** `valueScales` gives values that are rounded alike one scale. What only moves elements of them rounds nothing anew. */
function activationsOf(
  { placement, scales }: Pick<Calibrated, "placement" | "scales">,
  learned: boolean,
): FakeActivation[] {
  const byScale = new Map<ActivationScale, FakeActivation & { readonly values: string[] }>();
  const fixed = new Set([...placement.fixedScale.keys()].map(({ name }) => name));
  for (const value of placement.values) {
    const scale = scales.get(value.name)!;
    const held = byScale.get(scale);
    const { zeroPoint } = scale;
    const isLearned = learned && !fixed.has(value.name);
    const most = Math.min(held?.most ?? Number.POSITIVE_INFINITY, mostStep(value, zeroPoint));
    const values = [...(held?.values ?? []), value.name];
    byScale.set(scale, { values, step: scale.scale, zeroPoint, learned: isLearned, most });
  }
  return [...byScale.values()];
}
