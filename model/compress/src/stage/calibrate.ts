/** Measures the ranges of the activations that will be rounded. */

import { type Model, type Node, weightFolderOf } from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import { sample } from "@cupel/vision";
import { type ActivationScale, symmetries } from "../calibrate/activation-scale.ts";
import { type Calibration, calibrate } from "../calibrate/calibrate.ts";
import { type RangeMethod, rangeMethods } from "../calibrate/range-method.ts";
import {
  type Outputs,
  outputsOf,
  relativeError,
  type TrialContext,
  trialImages,
  withRoundedActivations,
  withRoundedWeights,
} from "../calibrate/rounding-error.ts";
import { valueScales } from "../calibrate/value-scales.ts";
import { sizesOf } from "../emit/conversion-cost.ts";
import { inFloatWhereSlower, type Placement, placeQuantisers } from "../emit/placement.ts";
import { weightedLayers } from "../layer.ts";
import { numberBetween, oneOf, option, wholeFrom } from "../recipe/option.ts";
import { assertOverridesKnown, overrideOf } from "../recipe/overrides.ts";
import { stageOf } from "../recipe/recipe.ts";
import { floatUntil } from "../search/float-until.ts";
import { type Calibrated, defineStage, type Stage, type StageContext } from "./stage.ts";

const methods = Object.keys(rangeMethods).filter((name): name is RangeMethod =>
  Object.hasOwn(rangeMethods, name),
);

/** What `auto` chooses from; the first also decides when calibration stops. */
const autoMethods: readonly [RangeMethod, ...RangeMethod[]] = ["mse", "min-max"];

const options = {
  method: option(oneOf("auto", ...methods), {
    default: "auto",
    description:
      "how a range follows from what was seen: `min-max`, `moving-average`, `percentile`, `entropy`, `mse`; " +
      "`auto` tries `mse` and `min-max` on a few images and takes the one that moves the outputs less",
  }),
  symmetry: option(oneOf(...symmetries), {
    default: "asymmetric",
    description: "`symmetric` puts zero in the middle of the 256 levels",
  }),
  percentile: option(numberBetween(0, 1), {
    default: 0.9999,
    description: "share of values inside the range, for `percentile`",
  }),
  images: option(wholeFrom(1), { default: 512, description: "at most this many are looked at" }),
  batchSize: option(wholeFrom(1), {
    default: 32,
    description: "images between two looks at whether the ranges still move",
  }),
  patience: option(wholeFrom(1), {
    default: 5,
    description: "batches in a row that must leave every range in place to stop early",
  }),
  tolerance: option(numberBetween(0, 1), {
    default: 0.003,
    description: "the largest move, as a share of the width, that counts as none",
  }),
};

export const calibrateStage: Stage<"calibrate", typeof options> = defineStage({
  name: "calibrate",
  options,
  requires: ["clean"],
  async run(state, settings, context) {
    const { graph } = state.model;
    const all = weightedLayers(graph);
    const overrides = stageOf(context.recipe, "quantise")?.overrides ?? {};
    assertOverridesKnown(all, overrides);
    const layers = all.filter((layer) => overrideOf(layer, overrides) !== "float");
    const inFloat = all.filter((layer) => !layers.includes(layer));
    const { placement, notes } = placed(state.model, new Set(inFloat.map(({ node }) => node)), context);
    const images = sample(context.images, settings.images, context.seed);
    const tried: readonly [RangeMethod, ...RangeMethod[]] =
      settings.method === "auto" ? autoMethods : [settings.method];
    const chooses = tried.length > 1 && placement.values.length > 0;
    const trial = sample(images, trialImages, context.seed);
    const trialIds = Array.from({ length: trial.length }, (_, index) => trial.id(index));
    const calibration = await calibrate(state.model, placement.watched, {
      ...settings,
      method: tried[0],
      images,
      keptOutputs: chooses ? new Set(trialIds) : undefined,
      preprocessing: context.preprocessing,
      threads: context.threads,
      strict: context.strict,
      onUnreadable: context.onUnreadable,
      open: context.open,
      signal: context.signal,
      progress: context.progress,
    });
    const candidates = tried.map((method) => ({
      method,
      scales: valueScales(placement, calibration.rangesBy(method), settings.symmetry),
    }));
    const trialContext = { ...context, images: trial };
    const found = chooses
      ? await leastError(
          state.model,
          candidates,
          await referenceOf(state.model, trialIds, calibration, trialContext),
          trialContext,
        )
      : candidates[0]!;
    const { images: seen, batches, stoppedEarly } = calibration;
    return {
      ...state,
      notes: [...state.notes, ...notes],
      calibrated: {
        layers,
        placement,
        calibration,
        scales: found.scales,
        report: { method: found.method, images: seen, batches, stoppedEarly },
      },
    };
  },
});

/** By the size that images have, which the model may leave open. */
export function placed(
  model: Model,
  inFloat: ReadonlySet<Node>,
  { recipe, preprocessing }: Pick<StageContext, "recipe" | "preprocessing">,
): { readonly placement: Placement; readonly notes: readonly string[] } {
  const { graph } = model;
  const kernels = stageOf(recipe, "quantise")?.kernels ?? "where-faster";
  const sizeOf = sizesOf(atImageSize(model, preprocessing).graph);
  const placement = placeQuantisers(graph, inFloat, kernels, sizeOf);
  if (kernels === "wherever-possible") return { placement, notes: [] };
  const slower = inFloatWhereSlower(graph, placement, inFloat, sizeOf);
  if (!slower) return { placement, notes: [] };
  const note =
    `On integers this network would run slower than in float: ${slower.slowest} costs most. ` +
    'Its weights have 8 bits in the file, and it runs in float. ("kernels": "wherever-possible" in the recipe puts it on integers.)';
  return { placement: slower.placement, notes: [note] };
}

/**
 * What calibration found, placed with more operators in float until it will do.
 * @param areLearned whether the scales are those of a training, which the weights go with
 * @returns null where nothing on integers is left and it still does not
 */
export async function placedUntil(
  model: Model,
  calibrated: Calibrated,
  context: StageContext,
  accept: (calibrated: Calibrated) => Promise<boolean>,
  areLearned = false,
): Promise<{ readonly calibrated: Calibrated; readonly note: string } | null> {
  const { graph } = model;
  const { recipe, preprocessing } = context;
  const { placement: first, calibration, layers, scales, report } = calibrated;
  const method = methods.find((name) => name === report.method) ?? autoMethods[0];
  const ranges = calibration.rangesBy(method);
  const symmetry = stageOf(recipe, "calibrate")?.symmetry ?? "asymmetric";
  const kernels = stageOf(recipe, "quantise")?.kernels ?? "where-faster";
  const sizeOf = sizesOf(atImageSize(model, preprocessing).graph);
  const overridden = weightedLayers(graph)
    .map(({ node }) => node)
    .filter((node) => !layers.some((layer) => layer.node === node));
  const without = (inFloat: ReadonlySet<Node>): Placement => {
    const kept = new Set([...overridden, ...inFloat]);
    for (;;) {
      const placement = placeQuantisers(graph, kept, kernels, sizeOf);
      // What was not rounded before was not measured: who makes and reads it stays in float as well.
      const unknown = placement.values.filter(({ name }) => !scales.has(name));
      if (unknown.length === 0) return placement;
      for (const { producer, consumers } of unknown)
        for (const node of [producer, ...consumers]) if (node) kept.add(node);
    }
  };
  const withPlacement = (placement: Placement): Calibrated => {
    return {
      ...calibrated,
      placement,
      scales: areLearned ? scales : valueScales(placement, ranges, symmetry),
    };
  };
  const placement = await floatUntil(model, {
    ...context,
    placement: first,
    scales,
    without,
    accept: (tried) => accept(withPlacement(tried)),
  });
  if (placement === null) return null;
  const left = [...graph.nodes].filter(
    ({ output }) => first.integer.has(output.name) && !placement.integer.has(output.name),
  );
  const listed = left.slice(0, 3).map(({ label }) => label);
  const note =
    `Rounded throughout, the model answered too differently: ${left.length} of ${first.integer.size} operators run in float, ` +
    `${listed.join(", ")}${left.length > 3 ? " and others" : ""}. Weights have their bits in the file.`;
  return { calibrated: withPlacement(placement), note };
}

interface Found {
  readonly method: RangeMethod;
  readonly scales: ReadonlyMap<string, ActivationScale>;
}

/** What the model gives for the images of the trial: as calibration saw it, where it saw all of them. */
async function referenceOf(
  model: Model,
  ids: readonly string[],
  { outputs }: Calibration,
  context: TrialContext,
): Promise<Outputs> {
  const seen = ids.map((id) => outputs.get(id));
  return seen.every((each) => each !== undefined) ? seen.flat() : await outputsOf(() => model, context);
}

/**
 * The method whose ranges move the outputs least, for all values. A choice for each by the error at the layers that read it
 * sees no errors that agree in sign, and took `mse` for nearly all: against the better of both methods for all values it
 * kept 0.25 dB more of ResNet-20 and ResNet-56 on CIFAR-10, and 1.1 dB less of a ResNet-50 on pcb, which wants `min-max`.
 */
async function leastError(
  model: Model,
  candidates: readonly Found[],
  reference: Outputs,
  context: TrialContext,
): Promise<Found> {
  const rounded = withRoundedWeights(model);
  // All candidates are tried with the same weights.
  await weightFolderOf(model)?.keep(rounded, { signal: context.signal });
  let best = candidates[0]!;
  let bestError = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const make = () => withRoundedActivations(rounded, candidate.scales);
    const error = relativeError(reference, await outputsOf(make, context));
    if (error < bestError) [best, bestError] = [candidate, error];
  }
  return best;
}
