/**
 * From a trained float model to a small one, calibration only: the passes of a recipe, and the search for
 * bit widths when the recipe leaves them open.
 *
 *   clean -> equalise -> calibrate -> quantise (-> search) -> emit
 */

import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { cloneModel, inferShapes, type Model, removeDeadCode, runPasses } from "@cupel/onnx";
import type { CalibrationReport, TradeOffPoint } from "@cupel/report";
import { cpuFeatures, int8Advice } from "@cupel/runtime";
import { type BrokenImage, type ImageSource, type Preprocessing, sample, split } from "@cupel/vision";
import { type ActivationScale, activationScale } from "./calibrate/activation-scale.ts";
import { type Calibration, calibrate } from "./calibrate/calibrate.ts";
import { cleanPasses } from "./clean/index.ts";
import { emitQdq } from "./emit/emit-qdq.ts";
import { type Placement, placeQuantisers } from "./emit/placement.ts";
import { type ChannelFactors, equaliseLayers } from "./equalise/equalise-layers.ts";
import { type Layer, layerName, setBias, weightedLayers } from "./layer.ts";
import { assertOverridesKnown, overrideOf } from "./overrides.ts";
import { passOf, type QuantisePass, type Recipe } from "./recipe.ts";
import { assertCompressible } from "./requirements.ts";
import type { Plan } from "./search/allocate-bits.ts";
import { choosePlan } from "./search/choose-plan.ts";
import { type LayerInput, type Variant, variantOf } from "./search/variants.ts";
import type { WeightBits } from "./weights/quantised-weights.ts";

export interface CompressOptions extends WorkOptions {
  /** Calibration images; labels, where present, let the search measure accuracy instead of agreement. */
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  /** Default 1. */
  readonly seed?: number;
  /** Default: all cores. */
  readonly threads?: number;
  /** Fail on the first unreadable image. Default false. */
  readonly strict?: boolean;
  readonly onBroken?: (broken: BrokenImage) => void;
}

export interface CompressedLayer {
  /** The layer's node, as messages name it. */
  readonly name: string;
  /** The weight's name in the original model. */
  readonly weight: string;
  readonly bits: number;
  readonly form: string;
  readonly bytes: number;
}

export interface CompressResult {
  readonly model: Model;
  /** As run, with every default filled in. */
  readonly recipe: Recipe;
  readonly calibration: CalibrationReport;
  /** Empty when nothing was searched. */
  readonly tradeOff: readonly TradeOffPoint[];
  readonly layers: readonly CompressedLayer[];
  /** By value name, what equalisation divided each channel by; the report multiplies it back. */
  readonly channelFactors: ReadonlyMap<string, Float32Array>;
  readonly notes: readonly string[];
}

/** Widths a search may choose from. */
const mixedBits: readonly WeightBits[] = [8, 6, 5, 4, 3, 2];
/** `model` is left as it is. @throws what `assertCompressible`, calibration, search and sessions throw */
export async function compress(model: Model, options: CompressOptions): Promise<CompressResult> {
  assertCompressible(model);
  const { recipe, seed = 1 } = options;
  const threads = options.threads ?? availableParallelism();
  const quantise = passOf(recipe, "quantise");
  const isSearch = quantise.bits === "mixed";
  const { calibration: forRanges, heldOut } = splitImages(
    options.images,
    isSearch ? quantise.heldOut : 0,
    seed,
  );

  const work = cloneModel(model);
  inferShapes(work);
  const notes = [...runPasses(work, cleanPasses, undefined).notes];
  const channelFactors: ChannelFactors = new Map();
  if (recipe.passes.some((entry) => entry.pass === "equalise")) {
    notes.push(...runPasses(work, [equaliseLayers], channelFactors).notes);
  }
  inferShapes(work);

  const all = weightedLayers(work.graph);
  assertOverridesKnown(all, quantise);
  const layers = all.filter((layer) => overrideOf(layer, quantise) !== "float");
  const inFloat = all.filter((layer) => !layers.includes(layer));
  const placement = placeQuantisers(work.graph, new Set(inFloat.map((layer) => layer.node)));
  const settings = passOf(recipe, "calibrate");
  const calibration = await calibrate(work, placement.values, {
    ...settings,
    images: sample(forRanges, settings.images, seed),
    preprocessing: options.preprocessing,
    threads,
    strict: options.strict,
    onBroken: options.onBroken,
    signal: options.signal,
    progress: options.progress,
  });
  const activations = activationScales(placement, calibration, settings.symmetry);

  const advice = int8Advice(cpuFeatures());
  if (advice.warning) notes.push(advice.warning);
  const maxLevel = (quantise.reduceRange === "auto" ? advice.reduceRange : quantise.reduceRange) ? 63 : 127;
  const inputOf = (layer: Layer) => layerInput(layer, calibration, activations);
  const variants = await makeVariants(layers, inputOf, quantise, maxLevel, options);
  const build = (plan: Plan): Model => emit(work, placement, activations, variants, plan);

  const { plan, tradeOff } = isSearch
    ? await choosePlan(work, variants, { ...options, target: recipe.target, heldOut, threads, seed, build })
    : { plan: new Map([...variants].map(([name, [only]]) => [name, only!.bits])), tradeOff: [] };
  return {
    model: build(plan),
    recipe,
    channelFactors,
    calibration: {
      method: settings.method,
      images: calibration.images,
      batches: calibration.batches,
      stoppedEarly: calibration.stoppedEarly,
    },
    tradeOff,
    layers: layers.map((layer) => described(layer, variants.get(layer.weight.name)!, plan)),
    notes,
  };
}

/** Held-out images never take part in calibration. With nothing to choose, none are held out. */
function splitImages(images: ImageSource, heldOut: number, seed: number) {
  const count = Math.min(heldOut, Math.floor(images.length / 2));
  if (count === 0) return { calibration: images, heldOut: images };
  const { rest, heldOut: held } = split(images, count / images.length, seed);
  return { calibration: rest, heldOut: held };
}

function activationScales(
  placement: Placement,
  calibration: Calibration,
  symmetry: Parameters<typeof activationScale>[1],
): Map<string, ActivationScale> {
  const scales = new Map<string, ActivationScale>();
  for (const value of placement.values) {
    const source = placement.sameScale.get(value);
    const own = activationScale(calibration.ranges.get(value.name)!, symmetry);
    scales.set(value.name, source ? scales.get(source.name)! : own);
  }
  return scales;
}

function layerInput(
  layer: Layer,
  calibration: Calibration,
  activations: ReadonlyMap<string, ActivationScale>,
): LayerInput {
  const value = layer.node.input(0)!;
  // Moments are by the second axis, which counts channels for Conv at any rank, for dense layers at rank 2.
  const hasChannels = layer.node.is("Conv") || value.shape?.length === 2;
  return {
    moments: (hasChannels && calibration.moments.get(value.name)) || null,
    scale: activations.get(value.name) ?? null,
  };
}

/** By weight name, from most bits to fewest. Signals and timers get their turn between variants. */
async function makeVariants(
  layers: readonly Layer[],
  inputOf: (layer: Layer) => LayerInput,
  quantise: QuantisePass,
  maxLevel: 127 | 63,
  options: CompressOptions,
): Promise<Map<string, readonly Variant[]>> {
  using task = (options.progress ?? silentProgress).start("Rounding weights", layers.length, "layers");
  const variants = new Map<string, readonly Variant[]>();
  for (const layer of layers) {
    const own = overrideOf(layer, quantise);
    const bits = own !== undefined && own !== "float" ? own : quantise.bits;
    const made: Variant[] = [];
    for (const each of bits === "mixed" ? mixedBits : [bits]) {
      await setImmediate();
      throwIfCancelled(options.signal, "Rounding weights");
      made.push(variantOf(layer, inputOf(layer), { ...quantise, bits: each, maxLevel }));
    }
    variants.set(layer.weight.name, made);
    task.advance();
  }
  return variants;
}

function emit(
  work: Model,
  placement: Placement,
  activations: ReadonlyMap<string, ActivationScale>,
  variants: ReadonlyMap<string, readonly Variant[]>,
  plan: Plan,
): Model {
  const model = cloneModel(work);
  const { graph } = model;
  const weights = new Map<string, Variant["weights"]>();
  for (const layer of weightedLayers(graph)) {
    const bits = plan.get(layer.weight.name);
    const variant = variants.get(layer.weight.name)?.find((each) => each.bits === bits);
    if (!variant) continue;
    weights.set(layer.weight.name, variant.weights);
    if (variant.bias) setBias(graph, layer, variant.bias);
  }
  const values = placement.values.map((value) => graph.value(value.name)!);
  emitQdq(model, { values, activations, weights });
  runPasses(model, [removeDeadCode], undefined);
  model.producerName = "cupel";
  return model;
}

function described(layer: Layer, variants: readonly Variant[], plan: Plan): CompressedLayer {
  const bits = plan.get(layer.weight.name);
  const { weights, bytes } = variants.find((variant) => variant.bits === bits)!;
  const scale = weights.blocks ? `blocks of ${weights.blocks.size}` : "per channel";
  const levels = weights.uniform ? "" : ", fitted levels";
  return {
    name: layerName(layer),
    weight: layer.weight.name,
    bits: weights.bits,
    form: `INT${weights.bits}, ${scale}${levels}`,
    bytes,
  };
}
