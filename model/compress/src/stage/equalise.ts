/** Gives every channel between two layers the same range. */
import { cloneModel, followed, type Model, type Pass, runPasses, sameAs } from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import { sample } from "@cupel/vision";
import { calibrate } from "../calibrate/calibrate.ts";
import {
  outputsOf,
  relativeError,
  trialImages,
  withRoundedActivations,
  withRoundedWeights,
} from "../calibrate/rounding-error.ts";
import { valueScales } from "../calibrate/value-scales.ts";
import { sizesOf } from "../emit/conversion-cost.ts";
import { placeQuantisers } from "../emit/placement.ts";
import { equalisationOf, equaliseLayers } from "../equalise/equalise-layers.ts";
import { oneOf, option } from "../recipe/option.ts";
import { stageOf } from "../recipe/recipe.ts";
import { defineStage, type Stage, type StageContext, type State } from "./stage.ts";

const options = {
  when: option(oneOf("always", "helps"), {
    default: "always",
    description:
      "`helps`: only where channels differ much, and rounding then moves the outputs of a few images clearly less",
  }),
};

export const equaliseStage: Stage<"equalise", typeof options> = defineStage({
  name: "equalise",
  options,
  requires: ["clean"],
  async run(state, { when }, context) {
    if (when === "helps" && !(await helps(state.model, context))) return state;
    return equalised(state);
  },
});

function equalised(state: State): State {
  let factors: ReadonlyMap<string, Float32Array> = new Map();
  const pass: Pass = {
    name: "equalise-layers",
    requires: ["fixedConstants", "ownParameters"],
    run({ graph }) {
      const found = equaliseLayers(graph);
      factors = found.factors;
      const notes = found.pairs > 0 ? [`equalised ${found.pairs} pairs of layers`] : [];
      return { modified: found.pairs > 0, notes };
    },
  };
  const { notes } = runPasses(state.model, [pass]);
  const scaled = new Map(
    Array.from(state.model.graph.values(), ({ name }) => [
      name,
      { ...sameAs(name), factors: factors.get(name) ?? null },
    ]),
  );
  return {
    ...state,
    correspondence: followed(state.correspondence, scaled),
    notes: [...state.notes, ...notes],
  };
}

/** Channels of one value whose factors differ less than this have nothing to gain: two bits of eight. */
const leastSpread = 4;
/** Half the error (3 dB): a smaller gain on a few images may be chance, and equalised weights may round worse. */
const clearlyLess = 0.5;

/** Rounds the model as it is and equalised, on the same few images, with min-max ranges of these. */
async function helps(model: Model, context: StageContext): Promise<boolean> {
  const { factors } = equalisationOf(model.graph);
  if (!Array.from(factors.values()).some((each) => spreadOf(each) > leastSpread)) return false;
  const copy = cloneModel(model);
  equaliseLayers(copy.graph);
  // The stage that looks at all images tells of those that cannot be read.
  const quiet = { strict: false, onUnreadable: undefined, progress: undefined };
  const trial = { ...context, ...quiet, images: sample(context.images, trialImages, context.seed) };
  const reference = await outputsOf(() => model, trial);
  const kernels = stageOf(context.recipe, "quantise")?.kernels;
  const errorOf = async (each: Model): Promise<number> => {
    const sizeOf = sizesOf(atImageSize(each, context.preprocessing).graph);
    const placement = placeQuantisers(each.graph, new Set(), kernels, sizeOf);
    const { ranges } = await calibrate(each, placement.values, {
      ...trial,
      method: "min-max",
      percentile: 1,
      batchSize: trialImages,
      patience: 1,
      tolerance: 0,
    });
    const scales = valueScales(placement, ranges, "asymmetric");
    const make = () => withRoundedActivations(withRoundedWeights(each), scales);
    return relativeError(reference, await outputsOf(make, trial));
  };
  return (await errorOf(copy)) < clearlyLess * (await errorOf(model));
}

function spreadOf(factors: Float32Array): number {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const factor of factors) {
    least = Math.min(least, factor);
    most = Math.max(most, factor);
  }
  return most / least;
}
