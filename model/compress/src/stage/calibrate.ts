/** Measures the ranges of the activations that will be rounded. */

import type { Model } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { type ActivationScale, symmetries } from "../calibrate/activation-scale.ts";
import { calibrate } from "../calibrate/calibrate.ts";
import { type RangeMethod, rangeMethods } from "../calibrate/range-method.ts";
import {
  outputsOf,
  relativeError,
  roundedModel,
  type TrialContext,
  trialImages,
} from "../calibrate/rounding-error.ts";
import { valueScales } from "../calibrate/value-scales.ts";
import { placeQuantisers } from "../emit/placement.ts";
import { weightedLayers } from "../layer.ts";
import { numberBetween, oneOf, option, wholeFrom } from "../recipe/option.ts";
import { assertOverridesKnown, overrideOf } from "../recipe/overrides.ts";
import { stageOf } from "../recipe/recipe.ts";
import { defineStage, type Stage } from "./stage.ts";

const methods = Object.keys(rangeMethods).filter((name): name is RangeMethod => name in rangeMethods);

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
    const kernels = stageOf(context.recipe, "quantise")?.kernels;
    const placement = placeQuantisers(graph, new Set(inFloat.map((layer) => layer.node)), kernels);
    const images = sample(context.images, settings.images, context.seed);
    const tried: readonly [RangeMethod, ...RangeMethod[]] =
      settings.method === "auto" ? autoMethods : [settings.method];
    const calibration = await calibrate(state.model, placement.watched, {
      ...settings,
      method: tried[0],
      images,
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
    const found =
      candidates.length === 1
        ? candidates[0]!
        : await leastError(state.model, candidates, {
            ...context,
            images: sample(images, trialImages, context.seed),
          });
    const { images: seen, batches, stoppedEarly } = calibration;
    return {
      ...state,
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

interface Found {
  readonly method: RangeMethod;
  readonly scales: ReadonlyMap<string, ActivationScale>;
}

/** The method whose ranges move the outputs least. */
async function leastError(model: Model, candidates: readonly Found[], context: TrialContext): Promise<Found> {
  const reference = await outputsOf(model, context);
  let best = candidates[0]!;
  let bestError = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const error = relativeError(reference, await outputsOf(roundedModel(model, candidate.scales), context));
    if (error < bestError) [best, bestError] = [candidate, error];
  }
  return best;
}
