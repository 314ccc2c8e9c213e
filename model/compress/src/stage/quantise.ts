/**
 * Rounds the weights: works out every variant a layer may be stored in, and where the recipe leaves the
 * bits open, searches for those that meet the target.
 */
import { setImmediate } from "node:timers/promises";
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { type WeightFolder, weightFolderOf } from "@cupel/onnx";
import type { TradeOffPoint } from "@cupel/report";
import { cpuFeatures, int8Advice } from "@cupel/runtime";
import { Type } from "typebox";
import { emitHalves } from "../emit/emit-halves.ts";
import { emitModel } from "../emit/emit-model.ts";
import { kernelChoices, type Placement } from "../emit/placement.ts";
import { type Layer, layerName, weightedLayers } from "../layer.ts";
import { oneOf, option, orNull, type ValuesOf, wholeFrom } from "../recipe/option.ts";
import { assertOverridesKnown, overrideOf } from "../recipe/overrides.ts";
import { type LearnedRounding, learnRounding } from "../rounding/learn-rounding.ts";
import { type RoundingOptions, roundings } from "../rounding/rounding.ts";
import type { Plan } from "../search/allocate-bits.ts";
import { choosePlan } from "../search/choose-plan.ts";
import { type LayerInput, type Variant, variantOf } from "../search/variants.ts";
import { compactCodes, plainCodes } from "../weights/compact-codes.ts";
import { type WeightBits, weightBits } from "../weights/quantised-weights.ts";
import {
  type Calibrated,
  defineStage,
  edited,
  made,
  type Stage,
  type StageContext,
  type State,
} from "./stage.ts";

/** Widths a search may choose from. */
const mixedBits: readonly WeightBits[] = [8, 6, 5, 4, 3, 2];

const options = {
  bits: option(oneOf(16, ...weightBits, "mixed"), {
    default: 8,
    description:
      'of a weight at rest: 8, 6, 5, 4, 3, 2, or `"mixed"`, chosen for each layer; 16 is float16, computed in float32, ' +
      "without the stages `equalise` and `calibrate` and without images",
  }),
  levels: option(oneOf("uniform", "fitted"), {
    default: "fitted",
    description: "under 8 bits: `uniform`, or fitted to the layer's weights where that is better",
  }),
  granularity: option(oneOf("channel", "tensor"), {
    default: "channel",
    description: "a scale for each output channel, or one for the `tensor`",
  }),
  blockSize: option(orNull(wholeFrom(2)), {
    default: null,
    description: "weights that share a multiplier on their channel's scale; used where it divides the row",
  }),
  correctBias: option(oneOf(true, false), {
    default: true,
    description: "biases take back the shift of the mean that rounding causes",
  }),
  reduceRange: option(oneOf(true, false, "auto"), {
    default: "auto",
    description:
      "weights that 8-bit sums of two products cannot overflow: 7 bits, or more in a row that allows it; `auto` asks the processor",
  }),
  kernels: option(oneOf(...kernelChoices), {
    default: "where-faster",
    description:
      "`where-faster` leaves an operator in float where the conversions around it cost more than 8 bits save or its 8-bit kernel is slower, " +
      "and the whole network where it would be slower on integers (a note says so); or `wherever-possible`",
  }),
  overrides: option(
    Type.Record(Type.String(), oneOf(...weightBits, "float"), {
      expects: `an object from layer names to ${weightBits.join(", ")} or "float"`,
    }),
    { default: {}, description: 'bits, or `"float"`, by name of a layer or of its weight' },
  ),
  rounding: option(oneOf(...roundings), {
    default: "nearest",
    description:
      "which integer a weight becomes: the `nearest`; by `gptq` the one that takes back what rounding did to the weights and layers before it; " +
      "by `reconstruct` the one that block by block is learned to give the float network's outputs; `auto` takes of these two what is better on images kept apart",
  }),
  roundingSteps: option(wholeFrom(1), {
    default: 500,
    description: "steps a block is trained for, of 32 images at most, by `reconstruct` and `auto`",
  }),
  heldOut: option(wholeFrom(1), {
    default: 1000,
    description: "images kept from calibration to judge bit widths by, half of them at most",
  }),
};

export const quantiseStage: Stage<"quantise", typeof options> = defineStage({
  name: "quantise",
  options,
  requires: ["clean", "calibrate"],
  async run(state, settings, context) {
    if (settings.bits === 16) return storedInHalf(state, settings);
    const calibrated = made(state.calibrated, "calibrate");
    const advice = int8Advice(cpuFeatures());
    const { bits } = settings;
    const rounding: RoundingOptions = {
      ...settings,
      inputScaleOf: (layer) => inputOf(layer, calibrated).scale,
      maxLevelOf: (layer) =>
        mostLevelOf(layer, calibrated.placement, settings.reduceRange, advice.reduceRange),
    };
    const folder = weightFolderOf(state.model);
    const nearest = await makeVariants(calibrated, { ...settings, bits }, rounding, context, folder);
    const learn = (from: ReadonlyMap<string, readonly Variant[]>) =>
      learnRounding(state.model, calibrated, from, settings.rounding, rounding, context);
    const learned = await learn(nearest);
    if (settings.bits !== "mixed") return quantised(state, learned, planOf(nearest), [], advice.warning);
    const { plan, tradeOff } = await choosePlan(state.model, learned.variants, {
      ...context,
      target: context.recipe.target,
      reference: state.reference,
      build: (each) => emitModel(state.model, calibrated, { variants: learned.variants, plan: each }).model,
    });
    // What a layer takes back depends on the bits of those before it: once these are chosen, all are rounded anew.
    const chosen = new Map(
      Array.from(nearest, ([name, all]) => [name, all.filter((each) => each.bits === plan.get(name))]),
    );
    const final = settings.rounding === "nearest" ? learned : await learn(chosen);
    return quantised(state, final, plan, tradeOff, advice.warning);
  },
});

function planOf(variants: ReadonlyMap<string, readonly Variant[]>): Plan {
  return new Map([...variants].map(([name, [only]]) => [name, only!.bits]));
}

function quantised(
  state: State,
  { variants, rounded, notes }: LearnedRounding,
  plan: Plan,
  tradeOff: readonly TradeOffPoint[],
  warning: string | null,
): State {
  return {
    ...state,
    quantised: { variants: withPlainCodes(variants, plan), plan, tradeOff, rounded },
    notes: [...state.notes, ...notes, ...(warning ? [warning] : [])],
  };
}

/** Weights and other large constants as float16; a layer that is overridden with "float" stays as it is. */
function storedInHalf(state: State, { overrides }: ValuesOf<typeof options>): State {
  const layers = weightedLayers(state.model.graph);
  assertOverridesKnown(layers, overrides);
  const inFloat = layers.filter((layer) => overrideOf(layer, overrides) === "float");
  const held = layers.map((layer) => ({
    name: layerName(layer),
    weight: layer.weight.name,
    bytes: 2 * layer.weight.constant!.size,
  }));
  let halved: State["halved"] = null;
  const stored = edited(state, (model) => {
    const found = emitHalves(model, new Set(inFloat.map(({ weight }) => weight.name)));
    halved = held.filter(({ weight }) => found.stored.has(weight));
    model.producerName = "cupel";
    const { kept } = found;
    const notes = [
      `float16 does not hold the values of ${kept.join(", ")} well enough, which ${kept.length === 1 ? "stays" : "stay"} in float32`,
    ];
    return { notes: kept.length > 0 ? notes : [] };
  });
  return { ...stored, halved };
}

/** Those of the plan have their codes in memory: the model that is made of them may outlive the files of a search. */
function withPlainCodes(
  variants: ReadonlyMap<string, readonly Variant[]>,
  plan: Plan,
): ReadonlyMap<string, readonly Variant[]> {
  return new Map(
    Array.from(variants, ([name, all]) => [
      name,
      all.map((each) =>
        each.bits === plan.get(name) ? { ...each, weights: plainCodes(each.weights) } : each,
      ),
    ]),
  );
}

/** By weight name, from most bits to fewest. Signals and timers get their turn between variants. */
async function makeVariants(
  calibrated: Calibrated,
  settings: ValuesOf<typeof options> & { readonly bits: WeightBits | "mixed" },
  { maxLevelOf }: RoundingOptions,
  { signal, progress }: StageContext,
  folder: WeightFolder | null,
): Promise<Map<string, readonly Variant[]>> {
  const { layers } = calibrated;
  using task = (progress ?? silentProgress).start("Rounding weights", layers.length, "layers");
  const variants = new Map<string, readonly Variant[]>();
  for (const layer of layers) {
    const own = overrideOf(layer, settings.overrides);
    const bits = own !== undefined && own !== "float" ? own : settings.bits;
    const maxLevel = maxLevelOf(layer);
    const ofLayer: Variant[] = [];
    for (const each of bits === "mixed" ? mixedBits : [bits]) {
      await setImmediate();
      throwIfCancelled(signal, "Rounding weights");
      const variant = variantOf(layer, inputOf(layer, calibrated), { ...settings, bits: each, maxLevel });
      if (bits !== "mixed") ofLayer.push(variant);
      else ofLayer.push({ ...variant, weights: await compactCodes(variant.weights, folder) });
    }
    variants.set(layer.weight.name, ofLayer);
    task.advance();
  }
  return variants;
}

/** The largest magnitude of the layer's int8 weights. @param reducesRange what the processor asks for */
export function mostLevelOf(
  layer: Layer,
  placement: Placement,
  reduceRange: boolean | "auto",
  reducesRange: boolean,
): 127 | 63 {
  const isReduced = reduceRange === "auto" ? reducesRange : reduceRange;
  return isReduced && sumsInPairs(layer, placement) ? 63 : 127;
}

/** What runs in float has no sums of 8 bits to overflow, and the engine's depthwise kernels sum in 32 bits. */
function sumsInPairs({ node, rows, columns, groups, kernelSize }: Layer, { integer }: Placement): boolean {
  const isDepthwise = node.is("Conv") && groups > 1 && groups === rows && columns === kernelSize;
  return integer.has(node.output.name) && !isDepthwise;
}

export function inputOf(
  { node, input, weightIndex }: Layer,
  { calibration, placement, scales }: Calibrated,
): LayerInput {
  // Moments are by the second axis, which counts channels for Conv at any rank, for dense layers at rank 2.
  const hasChannels = node.is("Conv", "ConvTranspose") || (weightIndex === 1 && input.shape?.length === 2);
  return {
    moments: (hasChannels && calibration.moments.get(input.name)) || null,
    scale: placement.integer.has(node.output.name) ? (scales.get(input.name) ?? null) : null,
  };
}
