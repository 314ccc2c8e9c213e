/**
 * Lets images leave the network early where it is sure of them. It comes last: the head is trained on what the rounded
 * network computes, and the straight network is cleaned, calibrated and rounded as if there were no exit.
 */
import { threeDigits } from "@cupel/base";
import { fedDims, imageInputOf, inputsOf } from "@cupel/predict";
import { type Preprocessing, sample, tensorDims } from "@cupel/vision";
import { Type } from "typebox";
import { featureCount, lookAt } from "../branch/branch-features.ts";
import { type CutPoint, cutPoints, spreadCuts } from "../branch/cut-points.ts";
import { fewestFor } from "../branch/loss-bound.ts";
import { compressErrors } from "../errors.ts";
import {
  averageMs,
  type ChosenExit,
  leastLosing,
  mostSaving,
  type TimedPlace,
  type TrainedPlace,
  timesOf,
  totalRisk,
  trainExits,
} from "../exits/choose-exit.ts";
import { holdOut } from "../intake/hold-out.ts";
import { option, orNull, wholeFrom } from "../recipe/option.ts";
import { defineStage, type Stage, type State, trainingImagesOf } from "./stage.ts";
import { assertAnswersInScores, straightModel } from "./straight-model.ts";

const options = {
  maxDrop: option(orNull(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" })), {
    default: null,
    description:
      "top-1 that exits may cost, as a fraction: with 95 % confidence they cost no more on images like those they are chosen by; 0.003 without `minSpeed`",
  }),
  minSpeed: option(orNull(Type.Number({ exclusiveMinimum: 1, expects: "a number above 1" })), {
    default: null,
    description:
      "how many times as fast an image is to be on average, on this machine; the place and threshold are taken that lose least",
  }),
  images: option(wholeFrom(8), {
    default: 10_000,
    description:
      "at most this many training images are looked at; two fifths of them choose place and threshold",
  }),
};

/** Places where a head is trained. */
const placesTried = 5;
/** Of what is seen of the training images at all places. */
const featureBytes = 256 * 2 ** 20;
/** Of the training images: a bound of 0.3 % takes thousands of them, and a head is trained as well on fewer. */
const selectionShare = 0.4;
const usualDrop = 0.003;

export const exitsStage: Stage<"exits", typeof options> = defineStage({
  name: "exits",
  options,
  requires: ["quantise"],
  assertReady(model, _, context) {
    trainingImagesOf(context, "exits");
    assertAnswersInScores(model, "exits");
  },
  async run(state, budget, context) {
    const given = trainingImagesOf(context, "exits");
    const { preprocessing, seed, threads, open, signal, progress } = context;
    const straight = straightModel(state);
    const places = placesIn(state, preprocessing);
    const bytesAnImage = places.reduce((sum, place) => sum + 4 * featureCount(place), 0);
    const training = sample(given, Math.min(budget.images, Math.floor(featureBytes / bytesAnImage)), seed);
    const { rest, heldOut } = holdOut(training, Math.round(selectionShare * training.length), seed);
    const seen = {
      training: await lookAt(straight, places, rest, context),
      selection: await lookAt(straight, places, heldOut, context),
    };
    const images = seen.selection.labels.length;
    const trained = await trainExits(straight, places, seen, { seed, signal, progress });
    // What else the model is fed, the opened sessions hold.
    const image = imageInputOf(inputsOf(straight.graph));
    const inputs = { shapes: { [image.name]: fedDims(image, tensorDims(preprocessing, 1)) } };
    const timed = (each: TrainedPlace) =>
      timesOf(straight, each, { threads, inputs, open, signal, progress });
    if (budget.minSpeed === null) {
      const maxDrop = budget.maxDrop ?? usualDrop;
      const found = mostSaving(trained, maxDrop);
      if (found === null) {
        return { ...state, notes: [...state.notes, nothingNote(places.length, maxDrop, images)] };
      }
      return withChosen(state, {
        ...found,
        threshold: found.point.threshold,
        times: await timed(found),
        images,
      });
    }
    const fast: TimedPlace[] = [];
    for (const each of trained) fast.push({ ...each, times: await timed(each) });
    const found = leastLosing(fast, { minSpeed: budget.minSpeed, maxDrop: budget.maxDrop ?? 1 });
    if (found === null) throw notSoFast(fast, budget.minSpeed, budget.maxDrop);
    const { times } = fast.find(({ place }) => place === found.place)!;
    return withChosen(state, { ...found, threshold: found.point.threshold, times, images });
  },
});

const percent = (share: number) => `${threeDigits(100 * share)} %`;

function withChosen(state: State, exit: ChosenExit): State {
  const { place, point, times, images } = exit;
  const average = averageMs(point, times);
  const note =
    `Images leave after "${place.name}" where its exit is surer than ${threeDigits(point.threshold)}: ${percent(point.leaving)} of ${images} ` +
    `images held out did, which cost ${threeDigits(100 * point.loss)} points, and at most ${threeDigits(100 * point.bound)} with ${percent(1 - totalRisk)} confidence. ` +
    `On average an image takes ${threeDigits(average)} ms instead of ${threeDigits(times.straightMs)} ms: ${threeDigits(times.leavingMs)} ms where it leaves, ` +
    `${threeDigits(times.stayingMs)} ms where it stays.${average < times.straightMs ? "" : " That is no faster here: leave out the exit."}`;
  return { ...state, exit, notes: [...state.notes, note] };
}

function nothingNote(places: number, maxDrop: number, images: number): string {
  const needed = fewestFor(maxDrop, totalRisk / places);
  const why =
    images < needed
      ? `${images} images held out cannot tell that a loss is at most ${threeDigits(100 * maxDrop)} points: that takes ${needed}. Give more to train with, or allow more.`
      : `at none of ${places} places may enough of them to save anything for a loss of at most ${threeDigits(100 * maxDrop)} points.`;
  return `No image leaves early: ${why}`;
}

function notSoFast(timed: readonly TimedPlace[], minSpeed: number, maxDrop: number | null) {
  const most = Math.max(...timed.map(({ times }) => times.straightMs / times.leavingMs));
  const within = maxDrop === null ? "" : ` at a loss of at most ${threeDigits(100 * maxDrop)} points`;
  return compressErrors.error(
    "BUDGET_UNREACHABLE",
    `No exit makes an image ${minSpeed} times as fast on average${within}. If all of them left at the first place it would be ${threeDigits(most)} times. ` +
      "Ask for less speed, or allow more to be lost.",
    { details: { minSpeed, maxDrop, most } },
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
