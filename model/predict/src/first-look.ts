/**
 * A first look at a model on images, before anything costly is made or measured of it: how its images are
 * prepared, where nobody says, and whether it is right more often than chance.
 */
import type { WorkOptions } from "@cupel/base";
import { type EngineTuning, type ModelSource, openSession } from "@cupel/runtime";
import { type ImageSource, sample } from "@cupel/vision";
import { type Chance, chanceOfEvaluation } from "./classification/chance.ts";
import { classification } from "./classification/classification.ts";
import { endsInSoftmax } from "./classification/probabilities.ts";
import type { OpenedModel } from "./file/open-model.ts";
import type { ChosenPreprocessing } from "./preprocessing/choose-preprocessing.ts";
import { findPreprocessing } from "./preprocessing/find-preprocessing.ts";
import { evaluateImages } from "./run/predict-images.ts";
import { isClassifier } from "./task/tasks.ts";

export interface FirstLookOptions extends WorkOptions, EngineTuning {
  /** Images tried at most, drawn evenly over the labels. Default 256. */
  readonly images?: number | undefined;
  /** Of the draw. Default 1. */
  readonly seed?: number | undefined;
  readonly open?: typeof openSession | undefined;
}

export interface FirstLook {
  readonly chosen: ChosenPreprocessing;
  /** Null where the images have no labels, or the model is no classifier. */
  readonly chance: Chance | null;
}

const usuallyTried = 256;

/**
 * A model that is no classifier is left as `chosen`.
 * @param images whose labels are classes of the model, or without labels.
 * @throws INPUT_SHAPE_MISMATCH, IMAGES_UNREADABLE, CANCELLED, and what opening and running throw
 */
export async function firstLook(
  source: ModelSource,
  { model }: Pick<OpenedModel, "model">,
  chosen: ChosenPreprocessing,
  images: ImageSource,
  options: FirstLookOptions = {},
): Promise<FirstLook> {
  if (chosen.candidates.length === 0 && !images.labelled) return { chosen, chance: null };
  const { open = openSession, seed = 1 } = options;
  await using session = await open(source, options);
  const { outputs } = session;
  if (!isClassifier(model)) return { chosen, chance: null };
  const drawn = sample(images, options.images ?? usuallyTried, seed);
  const found = await findPreprocessing(session, drawn, chosen, {
    ...options,
    probabilities: endsInSoftmax(model),
  });
  if (!images.labelled) return { chosen: found, chance: null };
  const facts = { outputs, classes: null, preprocessing: found.preprocessing };
  const reader = classification.reader({ ...facts, model });
  // The labels have met the classes: by now they are indices, whatever the images call them.
  const asIndices = { ...drawn, classes: null };
  const evaluation = await evaluateImages(session, classification, reader, facts, asIndices, options);
  return { chosen: found, chance: chanceOfEvaluation(evaluation) };
}
