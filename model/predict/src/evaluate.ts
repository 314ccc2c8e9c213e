/** Runs a model over images and keeps its predictions: the one way they are ever measured here. */
import { type EngineTuning, type ModelSource, openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { classification } from "./classification/classification.ts";
import type { Evaluation } from "./classification/evaluation.ts";
import { readSource } from "./file/open-model.ts";
import { classesOf } from "./labels/model-classes.ts";
import { type EvaluationOptions, evaluateImages } from "./run/predict-images.ts";
import { trueOutputs } from "./run/true-outputs.ts";
import type { EvaluatedImages, Task } from "./task/task.ts";

export interface EvaluateOptions extends EvaluationOptions, EngineTuning {
  /** Names in the order of the model's classes; null for none. Default: as its metadata says, which is read for labelled images. */
  readonly classes?: readonly string[] | null | undefined;
  /** What the session is opened with, such as a profiler's `open`. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
}

/**
 * Of any classifier, also one that has no file yet. For a file that says its own preprocessing, see `openPredictor`.
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
  const classes =
    options.classes === undefined && images.labelled
      ? classesOf((await readSource(model)).model).names
      : (options.classes ?? null);
  const facts = { outputs, classes, preprocessing };
  const reader = classification.reader({ ...facts, model: null });
  return await evaluateImages(session, classification, reader, facts, images, options);
}

/** The same of any task. @throws what `evaluate` throws */
export async function evaluateAs<Prediction, Evaluated extends EvaluatedImages>(
  task: Task<Prediction, Evaluated>,
  source: ModelSource,
  images: ImageSource,
  preprocessing: Preprocessing,
  options: EvaluateOptions = {},
): Promise<Evaluated> {
  const { open = openSession } = options;
  const { model } = await readSource(source);
  await using session = await open(source, options);
  const { outputs } = await trueOutputs(session, model, preprocessing);
  const count = task.classCount(model.graph.outputs[0]?.shape ?? []);
  const facts = { outputs, classes: classesOf(model, options.classes, count).names, preprocessing };
  const reader = task.reader({ ...facts, model });
  return await evaluateImages(session, task, reader, facts, images, options);
}
