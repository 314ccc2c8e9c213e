/** Measures the ranges of the activations that will be rounded. */
import { sample } from "@cupel/vision";
import {
  type ActivationScale,
  activationScale,
  type Symmetry,
  symmetries,
} from "../calibrate/activation-scale.ts";
import { type Calibration, calibrate } from "../calibrate/calibrate.ts";
import { type RangeMethod, rangeMethods } from "../calibrate/range-method.ts";
import { type Placement, placeQuantisers } from "../emit/placement.ts";
import { weightedLayers } from "../layer.ts";
import { numberBetween, oneOf, option, wholeFrom } from "../recipe/option.ts";
import { assertOverridesKnown, overrideOf } from "../recipe/overrides.ts";
import { stageOf } from "../recipe/recipe.ts";
import { defineStage, type Stage } from "./stage.ts";

const methods = Object.keys(rangeMethods).filter((name): name is RangeMethod => name in rangeMethods);

const options = {
  method: option(oneOf(...methods), {
    default: "mse",
    description:
      "how a range follows from what was seen: `min-max`, `moving-average`, `percentile`, `entropy`, `mse`",
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
    const calibration = await calibrate(state.model, placement.watched, {
      ...settings,
      images: sample(context.images, settings.images, context.seed),
      preprocessing: context.preprocessing,
      threads: context.threads,
      strict: context.strict,
      onUnreadable: context.onUnreadable,
      open: context.open,
      signal: context.signal,
      progress: context.progress,
    });
    const { images, batches, stoppedEarly } = calibration;
    return {
      ...state,
      calibrated: {
        layers,
        placement,
        calibration,
        scales: scalesOf(placement, calibration, settings.symmetry),
        report: { method: settings.method, images, batches, stoppedEarly },
      },
    };
  },
});

function scalesOf(
  placement: Placement,
  calibration: Calibration,
  symmetry: Symmetry,
): Map<string, ActivationScale> {
  const scales = new Map<string, ActivationScale>();
  for (const value of placement.values) {
    const source = placement.sameScale.get(value);
    const own =
      placement.fixedScale.get(value) ?? activationScale(calibration.ranges.get(value.name)!, symmetry);
    scales.set(value.name, source ? scales.get(source.name)! : own);
  }
  return scales;
}
