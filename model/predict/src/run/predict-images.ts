/** Images through an open session to predictions, and to an evaluation: the one loop that does it. */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import {
  batches,
  type ImageSource,
  type Preprocessing,
  tensorDims,
  type UnreadableImage,
  visionErrors,
} from "@cupel/vision";
import { imageInputOf, imagesPerRun } from "../input/image-input.ts";
import type { EvaluatedImages, ModelFacts, OutputReader, Task } from "../task/task.ts";
import { type ImageSession, runImages } from "./image-runs.ts";

export interface PredictOptions extends WorkOptions {
  /** Images a run, where the model leaves that open. Default: as many as fit 4 MiB, 32 at most. */
  readonly batchSize?: number | undefined;
  /** Fail on the first unreadable image instead of leaving it out. Default false. */
  readonly strict?: boolean | undefined;
  /** Called for each image that cannot be read, in order. */
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
}

export interface EvaluationOptions extends PredictOptions {
  /** Names in the order of the model's classes, where the model itself names none. Default: none. */
  readonly classes?: readonly string[] | null | undefined;
  /** Path of labels that lie apart from the images, as a folder of masks. Default: none. */
  readonly labels?: string | null | undefined;
  /** The column of `labels` where that is a table. Default: the one whose name tells. */
  readonly labelColumn?: string | null | undefined;
}

export interface ImagePrediction<Prediction> {
  /** Of the image in its source. */
  readonly index: number;
  /** Its name in the source, such as its path. */
  readonly id: string;
  readonly prediction: Prediction;
}

/** Larger runs are no faster, and the engine keeps the memory of the largest. */
const largestBatch = 32;
const bytesPerRun = 4 * 2 ** 20;

/** Images a run, where nobody says; 0 where one image is more than that. */
export function defaultBatch(preprocessing: Preprocessing): number {
  const [, a, b, c] = tensorDims(preprocessing, 1);
  return Math.min(largestBatch, Math.floor(bytesPerRun / (4 * a * b * c)));
}

/** What a person is told that is being done. */
interface Doing {
  /** Above the progress: "Predicting". */
  readonly title: string;
  /** Begins "... was cancelled". */
  readonly what: string;
}

const predicting: Doing = { title: "Predicting", what: "Prediction" };
const evaluating: Doing = { title: "Evaluating", what: "Evaluation" };

/** @throws INPUT_SHAPE_MISMATCH, OUTPUT_UNSUPPORTED, IMAGES_UNREADABLE, CANCELLED, and what the session throws */
export async function* predictImages<Prediction>(
  session: ImageSession,
  reader: OutputReader<Prediction>,
  preprocessing: Preprocessing,
  images: ImageSource,
  options: PredictOptions,
  doing = predicting,
): AsyncGenerator<ImagePrediction<Prediction>, void, undefined> {
  const { signal, strict, onUnreadable } = options;
  const input = imageInputOf(session.inputs);
  const dims = tensorDims(preprocessing, 1);
  const wanted = reader.imagesPerRun ?? options.batchSize ?? defaultBatch(preprocessing);
  using progress = (options.progress ?? silentProgress).start(doing.title, images.length, "images");
  const stream = batches(images, preprocessing, {
    batchSize: imagesPerRun(input, dims, wanted),
    strict,
    signal,
    onUnreadable,
  });
  for await (const { data, ...batch } of stream) {
    throwIfCancelled(signal, doing.what);
    const tensors = await runImages(session, { ...batch, data }, reader.fetches);
    const predictions = reader.read(tensors, batch);
    progress.advance(predictions.length);
    for (const [i, prediction] of predictions.entries()) {
      const index = batch.indices[i]!;
      yield { index, id: images.id(index), prediction };
    }
  }
}

/** @throws LABELS_MISMATCH and what `predictImages` throws */
export async function evaluateImages<Prediction, Evaluated extends EvaluatedImages>(
  session: ImageSession,
  task: Pick<Task<Prediction, Evaluated>, "name" | "evaluation" | "labelsFrom">,
  reader: OutputReader<Prediction>,
  facts: ModelFacts,
  images: ImageSource,
  options: EvaluationOptions,
): Promise<Evaluated> {
  if (options.labels && task.labelsFrom !== "files" && task.labelsFrom !== "either") {
    const what = /\.(json|csv)$/i.test(options.labels)
      ? "file of boxes, texts or several classes an image"
      : "folder of labels";
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${options.labels} is a ${what}; for a model of ${task.name} there is no use of one.`,
      { details: { labels: options.labels, task: task.name } },
    );
  }
  const unreadable: UnreadableImage[] = [];
  const onUnreadable = (image: UnreadableImage): void => {
    unreadable.push(image);
    options.onUnreadable?.(image);
  };
  const evaluation = task.evaluation(images, {
    ...facts,
    classes: facts.classes ?? options.classes ?? null,
    labels: options.labels ?? null,
    labelColumn: options.labelColumn ?? null,
  });
  const work = { ...options, onUnreadable };
  const stream = predictImages(session, reader, facts.preprocessing, images, work, evaluating);
  for await (const { index, prediction } of stream) await evaluation.add(index, prediction);
  return evaluation.result(unreadable);
}
