/**
 * Lets images go past residual blocks that change nothing about their answer. Like exits it comes last: gates learn from what the
 * rounded network computes, and the network itself is cleaned, calibrated and rounded as if there were none.
 */
import { threeDigits } from "@cupel/base";
import { fedDims, imageInputOf, inputsOf } from "@cupel/predict";
import { sample, tensorDims } from "@cupel/vision";
import { Type } from "typebox";
import { fewestFor } from "../branch/loss-bound.ts";
import { compressErrors } from "../errors.ts";
import {
  averageMsOf,
  type ChosenGates,
  gatePoints,
  gatesRisk,
  mostSkipping,
  thresholdsOf,
  timesOfGates,
  worthTheirTime,
} from "../gates/choose-threshold.ts";
import { gateImages } from "../gates/gate-images.ts";
import { residualSpans } from "../gates/residual-spans.ts";
import { trainGates } from "../gates/train-gates.ts";
import type { Gate } from "../gates/wire-gates.ts";
import { option } from "../recipe/option.ts";
import { stageOf } from "../recipe/recipe.ts";
import { defineStage, type Stage, trainingImagesOf } from "./stage.ts";
import { assertAnswersInScores, straightModel } from "./straight-model.ts";

const options = {
  maxDrop: option(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" }), {
    default: 0.003,
    description:
      "top-1 that going past blocks may cost, as a fraction: with 95 % confidence it costs no more on images like those it is chosen by",
  }),
};

/** So many tell what a span does and train its gate; every span is run with all of them. */
const mostToTrain = 4000;

export const gatesStage: Stage<"gates", typeof options> = defineStage({
  name: "gates",
  options,
  requires: ["quantise"],
  assertReady(model, _, context) {
    trainingImagesOf(context, "gates");
    assertAnswersInScores(model, "gates");
  },
  async run(state, { maxDrop }, context) {
    const given = trainingImagesOf(context, "gates");
    const { preprocessing, seed, threads, open, signal, progress } = context;
    const straight = straightModel(state);
    const rows = residualSpans(state.model, preprocessing);
    if (rows.length === 0) throw noBlocks("gates");
    const { rest, heldOut } = gateImages(given, seed);
    const learning = sample(rest, Math.min(rest.length, mostToTrain), seed);
    const trained = await trainGates(straight, rows, learning, { ...context, seed, maxDrop });
    const isTrained = stageOf(context.recipe, "stochastic-depth") !== undefined;
    const nothing = () => ({
      ...state,
      notes: [...state.notes, nothingNote(maxDrop, heldOut.length, isTrained)],
    });
    if (trained.length === 0) return nothing();
    const image = imageInputOf(inputsOf(straight.graph));
    const inputs = { shapes: { [image.name]: fedDims(image, tensorDims(preprocessing, 1)) } };
    const time = (gates: readonly Gate[]) =>
      timesOfGates(straight, gates, { threads, inputs, open, signal, progress });
    const all = await time(trained);
    const worth = worthTheirTime(trained, all);
    const gates = worth.length > 0 ? worth : trained;
    const thresholds = thresholdsOf(gates.map(({ margins }) => margins));
    const points = await gatePoints(straight, { gates, thresholds }, heldOut, context);
    const point = mostSkipping(points, maxDrop);
    if (point === null) return nothing();
    const times = gates.length < trained.length ? await time(gates) : all;
    const areWritten = averageMsOf(point, times) < times.straightMs;
    const chosen = { gates, point, points, times, images: heldOut.length, areWritten };
    return { ...state, gates: chosen, notes: [...state.notes, chosenNote(chosen)] };
  },
});

const percent = (share: number) => `${threeDigits(100 * share)} %`;

function chosenNote({ gates, point, times, images, areWritten }: ChosenGates): string {
  const spans = gates.map(
    ({ span: { from, to } }, i) => `${percent(point.past[i]!)} from "${from.name}" to "${to}"`,
  );
  return (
    `${areWritten ? "" : "No gate was written, for it would be no faster here. "}` +
    `Of ${images} images held out, so many ${areWritten ? "" : "could "}go past blocks that they do not need: ${spans.join(", ")}. ` +
    `That leaves out ${percent(point.skipped)} of the work and cost ${threeDigits(100 * point.loss)} points, at most ${threeDigits(100 * point.bound)} with ` +
    `${percent(1 - gatesRisk)} confidence. On average an image takes ${threeDigits(averageMsOf(point, times))} ms instead of ` +
    `${threeDigits(times.straightMs)} ms, and ${threeDigits(times.throughMs)} ms where it goes past none.`
  );
}

function nothingNote(maxDrop: number, images: number, isTrained: boolean): string {
  const advice = isTrained ? "" : ' A stage "stochastic-depth" before trains the network for it.';
  const needed = fewestFor(maxDrop, gatesRisk);
  const why =
    images < needed
      ? `${images} images held out cannot tell that a loss is at most ${threeDigits(100 * maxDrop)} points: that takes ${needed}. Give more to train with, or allow more.`
      : `for a loss of at most ${threeDigits(100 * maxDrop)} points too few may to save anything.${advice}`;
  return `No image goes past a block: ${why}`;
}

/** @throws GATES_HAVE_NO_PLACE */
export function noBlocks(stage: string) {
  return compressErrors.error(
    "GATES_HAVE_NO_PLACE",
    "The model has no residual block that adds to the very value that it reads, with all of the network going through there, " +
      "so that no image can go past one. " +
      `Leave out the stage "${stage}".`,
  );
}
