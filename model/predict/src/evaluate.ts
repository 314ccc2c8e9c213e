/** Runs a classifier over images and keeps its predictions: the one way accuracy is ever measured here. */
import { type EngineTuning, type ModelSource, openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { classification } from "./classification/classification.ts";
import type { Evaluation } from "./classification/evaluation.ts";
import { evaluateImages, type PredictOptions } from "./run/predict-images.ts";

export interface EvaluateOptions extends PredictOptions, EngineTuning {
  /** What the session is opened with, such as a profiler's `open`. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
}

/**
 * Of any model, also one that has no file yet. For a file that says its own preprocessing, see `openPredictor`.
 * @throws INPUT_SHAPE_MISMATCH, OUTPUT_UNSUPPORTED, LABELS_MISMATCH, IMAGES_UNREADABLE, CANCELLED, and what the
 * session throws
 */
export async function evaluate(
  model: ModelSource,
  images: ImageSource,
  preprocessing: Preprocessing,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { open = openSession } = options;
  await using session = await open(model, options);
  const { outputs } = session;
  const facts = { outputs, classes: null, preprocessing };
  const reader = classification.reader({ ...facts, model: null });
  return await evaluateImages(session, classification, reader, facts, images, options);
}
