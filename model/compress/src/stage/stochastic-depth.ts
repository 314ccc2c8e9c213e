/**
 * Trains the float network so that it can do without its residual blocks, and answers with all of them as before: gates then find more
 * images that need few. The network as it was is the teacher.
 */
import { createRandom } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { outputsOf, relativeError, trialImages } from "../calibrate/rounding-error.ts";
import { droppableBlocks, dropSome, withTrained } from "../gates/droppable-blocks.ts";
import { gateImages } from "../gates/gate-images.ts";
import { residualSpans } from "../gates/residual-spans.ts";
import { withoutSpans } from "../gates/wire-gates.ts";
import { fineTune } from "../prune/fine-tune.ts";
import { numberBetween, option, wholeFrom } from "../recipe/option.ts";
import { assertTrainable } from "../requirements.ts";
import { noBlocks } from "./gates.ts";
import { defineStage, type Stage, trainingImagesOf } from "./stage.ts";

const options = {
  epochs: option(wholeFrom(1), { default: 4, description: "times through the images to train with" }),
  learningRate: option(numberBetween(0, 1), { default: 0.0005, description: "of AdamW, at first" }),
  batch: option(wholeFrom(1), { default: 64, description: "images a step" }),
  drop: option(numberBetween(0, 1), {
    default: 0.5,
    description: "share of the images that do without the last blocks of a row, drawn for each row and step",
  }),
};

export const stochasticDepthStage: Stage<"stochastic-depth", typeof options> = defineStage({
  name: "stochastic-depth",
  options,
  requires: ["clean"],
  assertReady(model, _, context) {
    trainingImagesOf(context, "stochastic-depth");
    assertTrainable(model);
  },
  async run(state, { drop, ...tuning }, context) {
    const { preprocessing, seed } = context;
    const { rest } = gateImages(trainingImagesOf(context, "stochastic-depth"), seed);
    const rows = residualSpans(state.model, preprocessing);
    if (rows.length === 0) throw noBlocks("stochastic-depth");
    const droppable = droppableBlocks(state.model, rows);
    const random = createRandom(seed);
    const trained = await fineTune(droppable.model, state.model, rest, tuning, context, {
      optimiser: { kind: "adamw", weightDecay: 0 },
      beside: (count) => dropSome(droppable, count, { share: drop, random }),
    });
    const model = withTrained(state.model, trained);

    const trial = { ...context, images: sample(context.heldOut, trialImages, seed) };
    const reference = await outputsOf(() => state.model, trial);
    const errorOf = async (tried: Model) =>
      `${(100 * relativeError(reference, await outputsOf(() => tried, trial))).toPrecision(2)} %`;
    const longest = rows.map(([first]) => first!);
    const note =
      `Trained for ${tuning.epochs} epochs to do without residual blocks: with none of the ${rows.flat().length} that can be left out, ` +
      `outputs differ from the original's by ${await errorOf(withoutSpans(model, longest))} of their power, by ${await errorOf(withoutSpans(state.model, longest))} before; ` +
      `with all, by ${await errorOf(model)}.`;
    return { ...state, model, notes: [...state.notes, note] };
  },
});
