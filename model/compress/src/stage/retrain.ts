/**
 * Trains the network as it will be rounded: the plan of `quantise` stays, weights, biases and steps become those that the
 * original's answers (and labels, where there are any) on training images call for.
 */
import { cpuFeatures, int8Advice } from "@cupel/runtime";
import { type ImageSource, parseAugmentation, visionErrors } from "@cupel/vision";
import { Type } from "typebox";
import { holdOut } from "../intake/hold-out.ts";
import type { Layer } from "../layer.ts";
import { numberBetween, oneOf, option, wholeFrom } from "../recipe/option.ts";
import { stageOf } from "../recipe/recipe.ts";
import { assertTrainable } from "../requirements.ts";
import { retrainNetwork } from "../retrain/retrain-network.ts";
import { roundedNetwork } from "../retrain/rounded-network.ts";
import { variantOf } from "../search/variants.ts";
import { inputOf, mostLevelOf } from "./quantise.ts";
import { defineStage, made, type Stage, trainingImagesOf } from "./stage.ts";

const options = {
  epochs: option(wholeFrom(1), { default: 8, description: "times through the images to train with" }),
  learningRate: option(numberBetween(0, 1), {
    default: 0.001,
    description:
      "of AdamW, at first; weights are in units of their row's range, so that it suits any network",
  }),
  batch: option(wholeFrom(1), { default: 32, description: "images a step" }),
  temperature: option(numberBetween(0, 100), {
    default: 2,
    description: "how much the answers of the original are softened before the network is to give the same",
  }),
  labelShare: option(Type.Number({ minimum: 0, maximum: 1, expects: "a share from 0 to 1" }), {
    default: 0.1,
    description:
      "of the loss that is of labels, where the images have any; the rest is of the original's answers",
  }),
  augmentation: option(Type.String({ expects: 'words such as "flip,crop=4"' }), {
    default: "",
    description: 'random changes of the images, such as "flip,crop=4"; none where empty',
  }),
  activations: option(oneOf("learned", "calibrated"), {
    default: "learned",
    description: "steps of the activations: trained like the weights', or as `calibrate` found them",
  }),
  heldOut: option(wholeFrom(1), {
    default: 1000,
    description: "images kept from training to choose the best epoch by, a tenth of them at most",
  }),
};

export const retrainStage: Stage<"retrain", typeof options> = defineStage({
  name: "retrain",
  options,
  requires: ["clean", "calibrate", "quantise"],
  assertReady(model, _, context) {
    assertSomeToTrain(trainingImagesOf(context, "retrain"));
    assertTrainable(model);
  },
  async run(state, settings, context) {
    const images = trainingImagesOf(context, "retrain");
    const calibrated = made(state.calibrated, "calibrate");
    const quantised = made(state.quantised, "quantise");
    const how = made(stageOf(context.recipe, "quantise") ?? null, "quantise");
    const { reduceRange } = int8Advice(cpuFeatures());
    const ofMost = (layer: Layer) => mostLevelOf(layer, calibrated.placement, how.reduceRange, reduceRange);
    const rounded = roundedNetwork(state.model, calibrated, quantised, {
      learnsActivations: settings.activations === "learned",
      isByTensor: how.granularity === "tensor",
      mostLevelOf: ofMost,
      evenly: (layer, bits) =>
        variantOf(layer, inputOf(layer, calibrated), {
          bits,
          levels: "uniform",
          granularity: how.granularity,
          blockSize: null,
          maxLevel: ofMost(layer),
          correctBias: how.correctBias,
        }),
    });
    const kept = Math.max(1, Math.min(settings.heldOut, Math.floor(images.length / 10)));
    const { rest, heldOut } = holdOut(images, kept, context.seed);
    const retrained = await retrainNetwork(
      state.model,
      rounded,
      calibrated,
      quantised,
      {
        ...settings,
        augmentation: settings.augmentation === "" ? [] : parseAugmentation(settings.augmentation),
        batch: Math.min(settings.batch, rest.length),
        train: rest,
        heldOut,
      },
      context,
    );
    const { epochs, kept: epoch, found } = retrained;
    const before = epochs[0]!;
    const after = epochs[epoch]!;
    const share = (value: number) => `${(100 * value).toFixed(2)} %`;
    const figures =
      before.accuracy === null || after.accuracy === null
        ? `${share(after.agreement)} classified as the original does, ${share(before.agreement)} before`
        : `${share(after.accuracy)} right, ${share(before.accuracy)} before`;
    const note =
      found === null
        ? `Retraining brought nothing better on ${kept} images kept from it: what rounding alone gave is written.`
        : `Retrained for ${settings.epochs} epochs, the best of them ${epoch}: of ${kept} images kept from training ${figures}.`;
    return {
      ...state,
      calibrated: found ? { ...calibrated, scales: found.scales } : calibrated,
      quantised: found ? { ...quantised, variants: found.variants } : quantised,
      retrained: { epochs, kept: epoch },
      notes: [...state.notes, note],
    };
  },
});

/** One to train with, and one to choose by. @throws SELECTION_INVALID */
function assertSomeToTrain({ length, location }: ImageSource): void {
  if (length >= 2) return;
  throw visionErrors.error(
    "SELECTION_INVALID",
    `${location} has ${length} images. Retraining needs some to train with and some to choose the best epoch by.`,
    { details: { images: length } },
  );
}
