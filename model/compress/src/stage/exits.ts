/**
 * Lets images leave the network early where it is sure of them. It comes last: the head is trained on what the rounded
 * network computes, and the straight network is cleaned, calibrated and rounded as if there were no exit.
 */
import { threeDigits } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { fedDims, imageInputOf, inputsOf, isClassifier, predictErrors } from "@cupel/predict";
import { type Preprocessing, sample, split, tensorDims } from "@cupel/vision";
import { Type } from "typebox";
import { emitModel } from "../emit/emit-model.ts";
import { compressErrors } from "../errors.ts";
import { averageMs, chooseExit, timesOf } from "../exits/choose-exit.ts";
import { type CutPoint, cutPoints, spreadCuts } from "../exits/cut-points.ts";
import { featureCount, lookAt } from "../exits/exit-features.ts";
import { option, wholeFrom } from "../recipe/option.ts";
import { defineStage, made, type Stage, type State, trainingImagesOf } from "./stage.ts";

const options = {
  maxDrop: option(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" }), {
    default: 0.003,
    description:
      "top-1 that exits may cost on the images they are chosen by, one standard error included, as a fraction",
  }),
  images: option(wholeFrom(8), {
    default: 6000,
    description:
      "at most this many training images are looked at; a quarter of them chooses place and threshold",
  }),
};

/** Places where a head is trained. */
const placesTried = 6;
/** Of what is seen of the training images at all places. */
const featureBytes = 256 * 2 ** 20;
/** Of the training images. */
const selectionShare = 0.25;

export const exitsStage: Stage<"exits", typeof options> = defineStage({
  name: "exits",
  options,
  requires: ["quantise"],
  assertReady(model, _, context) {
    trainingImagesOf(context, "exits");
    assertAnswersInScores(model);
  },
  async run(state, { maxDrop, images }, context) {
    const given = trainingImagesOf(context, "exits");
    const { preprocessing, seed, threads, open, signal, progress } = context;
    const straight = straightModel(state);
    const places = placesIn(state, preprocessing);
    const bytesAnImage = places.reduce((sum, place) => sum + 4 * featureCount(place), 0);
    const training = sample(given, Math.min(images, Math.floor(featureBytes / bytesAnImage)), seed);
    const { rest, heldOut } = split(training, selectionShare, seed);
    const seen = {
      training: await lookAt(straight, places, rest, context),
      selection: await lookAt(straight, places, heldOut, context),
    };
    const found = await chooseExit(straight, places, seen, { maxDrop, seed, threads, signal, progress });
    if (found === null) {
      const note = `No image may leave early: at each of ${places.length} places the first to leave cost more than ${maxDrop} of top-1.`;
      return { ...state, notes: [...state.notes, note] };
    }
    const { place, head, point } = found;
    const exit = { place, head };
    // What else the model is fed, the opened sessions hold.
    const image = imageInputOf(inputsOf(straight.graph));
    const inputs = { shapes: { [image.name]: fedDims(image, tensorDims(preprocessing, 1)) } };
    const times = await timesOf(straight, exit, { threads, inputs, open, signal, progress });
    const percent = (share: number) => `${threeDigits(100 * share)} %`;
    const note =
      `Images leave after "${place.name}" where its exit is surer than ${threeDigits(point.threshold)}: ${percent(point.leaving)} of ${seen.selection.labels.length} ` +
      `images held out did, which cost ${threeDigits(100 * point.loss)} points. On average an image takes ` +
      `${threeDigits(averageMs(point, times))} ms instead of ${threeDigits(times.straightMs)} ms: ${threeDigits(times.leavingMs)} ms where it leaves, ` +
      `${threeDigits(times.stayingMs)} ms where it stays.`;
    const chosen = { ...found, threshold: point.threshold, times };
    return { ...state, exit: chosen, notes: [...state.notes, note] };
  },
});

/** What would be written without an exit. */
function straightModel({ model, halved, calibrated, quantised }: State) {
  if (halved) return model;
  return emitModel(model, made(calibrated, "calibrate"), made(quantised, "quantise")).model;
}

/** @throws OUTPUT_UNSUPPORTED */
function assertAnswersInScores(model: Model): void {
  const { outputs } = model.graph;
  if (isClassifier(model) && outputs.length === 1 && outputs[0]?.shape?.length === 2) return;
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `An exit answers with a row of class scores an image, as the model's only output: it has ${outputs
      .map(({ name, shape }) => `"${name}" [${shape?.join(", ") ?? "?"}]`)
      .join(", ")}. Leave out the stage "exits".`,
  );
}

/** @throws EXIT_HAS_NO_PLACE */
function placesIn({ model }: State, preprocessing: Preprocessing): CutPoint[] {
  const places = spreadCuts(cutPoints(model, preprocessing), placesTried);
  if (places.length > 0) return places;
  throw compressErrors.error(
    "EXIT_HAS_NO_PLACE",
    "Nowhere inside the model is one value of channels all that the rest is computed from, with work before and behind it, " +
      'so that no image can leave early. Leave out the stage "exits".',
  );
}
