/**
 * Trains the float network so that it can do without its residual blocks, and answers with all of them as before: gates then find more
 * images that need few. The network as it was is the teacher.
 */
import { createRandom } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { Type } from "typebox";
import { lookAt } from "../branch/branch-features.ts";
import { fineTune } from "../fine-tune.ts";
import { droppableBlocks, dropSome, withTrained } from "../gates/droppable-blocks.ts";
import { gateImages } from "../gates/gate-images.ts";
import { residualSpans } from "../gates/residual-spans.ts";
import { rightOf } from "../gates/train-gates.ts";
import { withoutSpans } from "../gates/wire-gates.ts";
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
  maxDrop: option(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" }), {
    default: 0.01,
    description:
      "top-1, as a fraction, that the network with all blocks may lose on images held out; where it loses more it stays as it was",
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
  async run(state, { drop, maxDrop, ...tuning }, context) {
    const { preprocessing, seed } = context;
    const { rest, heldOut } = gateImages(trainingImagesOf(context, "stochastic-depth"), seed);
    const rows = residualSpans(state.model, preprocessing);
    if (rows.length === 0) throw noBlocks("stochastic-depth");
    const droppable = droppableBlocks(state.model, rows);
    const random = createRandom(seed);
    const trained = await fineTune(droppable.model, state.model, rest, tuning, context, {
      optimiser: { kind: "adamw", weightDecay: 0 },
      beside: (count) => dropSome(droppable, count, { share: drop, random }),
    });
    const model = withTrained(state.model, trained);

    const before = await lookAt(state.model, [], heldOut, context);
    const rightIn = async (tried: Model) => {
      const right = rightOf(await lookAt(tried, [], heldOut, context), before);
      return right.filter(Boolean).length / right.length;
    };
    const longest = rows.map(([first]) => first!);
    const whole = { before: await rightIn(state.model), after: await rightIn(model) };
    const without = {
      before: await rightIn(withoutSpans(state.model, longest)),
      after: await rightIn(withoutSpans(model, longest)),
    };
    const isKept = whole.before - whole.after <= maxDrop;
    const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
    const note =
      `Trained for ${tuning.epochs} epochs to do without ${rows.flat().length} residual blocks: of ${heldOut.length} images held out, ` +
      `the network without any of them has ${percent(without.after)} right, ${percent(without.before)} before; ` +
      `with all ${percent(whole.after)}, ${percent(whole.before)} before.${isKept ? "" : " That costs too much, and was left out."}`;
    return { ...state, model: isKept ? model : state.model, notes: [...state.notes, note] };
  },
});
