/**
 * What a task is: how the outputs of a model become predictions, how predictions are measured against
 * labels, and how two models are compared. A task is a row of the table in `tasks.ts`; nothing outside its
 * row interprets an output.
 *
 * What each kind of task fills in:
 *
 * | | classification | detection | segmentation | features |
 * | --- | --- | --- | --- | --- |
 * | recognises | the first output, one row of scores an image | metadata, or outputs that have the shape of boxes | one map of scores an image, `[N, C, H, W]` | any float output; the last row of the table |
 * | reader | class, name, probability, scores | boxes with class and score, mapped back to the image | a class for each pixel | the values as they are |
 * | evaluation | labels are classes: top-1, top-5 | labels are boxes: mean average precision | labels are maps: mean intersection over union | no labels: nothing but the values is kept |
 * | compare | McNemar's interval, same prediction | boxes that agree | pixels that agree | cosine, SQNR |
 */
import type { Model } from "@cupel/onnx";
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { ImageBatch, ImageSource, Preprocessing, UnreadableImage } from "@cupel/vision";

/** What a task knows of a model whose outputs it reads. */
export interface ModelFacts {
  /** As the engine declares them. */
  readonly outputs: readonly ValueInfo[];
  /** Names in the order of the model's classes; null when nobody names them. */
  readonly classes: readonly string[] | null;
  readonly preprocessing: Preprocessing;
}

/** The same while the model is opened. */
export interface TaskModel extends ModelFacts {
  /** The graph and its metadata; null where only an opened session is there. A reader MUST NOT keep it. */
  readonly model: Model | null;
}

export interface OutputReader<Prediction> {
  /** Names of the outputs that `read` needs. */
  readonly fetches: readonly string[];
  /**
   * @param tensors by name; each MUST begin with a dimension of the batch's size.
   * @returns one prediction for each image of the batch, in its order.
   * @throws OUTPUT_UNSUPPORTED
   */
  read(tensors: Readonly<Record<string, TensorData>>, batch: BatchInfo): readonly Prediction[];
}

/** The images that were fed, without their pixels, which the engine has by now. */
export type BatchInfo = Omit<ImageBatch, "data">;

/** Collects predictions, so that a task decides what of them is kept. */
export interface TaskEvaluation<Prediction, Evaluated> {
  /** In the order of the source. @param index of the image in its source. @throws LABELS_MISMATCH */
  add(index: number, prediction: Prediction): void;
  /** @param unreadable images that could not be read, for which there was no prediction. */
  result(unreadable: readonly UnreadableImage[]): Evaluated;
}

/** What evaluations of every task have in common. */
export interface EvaluatedImages {
  /** Index in the source of each image that could be read, in its order. */
  readonly indices: readonly number[];
  readonly unreadable: readonly UnreadableImage[];
}

export interface Task<
  Prediction = unknown,
  Evaluated extends EvaluatedImages = EvaluatedImages,
  Difference = unknown,
> {
  /** As it is written in a model's metadata. */
  readonly name: string;
  /** Whether the outputs can be of this task, where the metadata does not say. */
  recognises(model: Pick<TaskModel, "outputs" | "model">): boolean;
  /** @throws OUTPUT_UNSUPPORTED */
  reader(model: TaskModel): OutputReader<Prediction>;
  /**
   * Finds the labels it needs among the images and checks them against the model.
   * @throws LABELS_MISMATCH
   */
  evaluation(images: ImageSource, facts: ModelFacts): TaskEvaluation<Prediction, Evaluated>;
  /** Both MUST be of the same source. */
  compare(first: Evaluated, second: Evaluated): Difference;
}

export type PredictionOf<Row> = Row extends Task<infer Prediction> ? Prediction : never;
export type EvaluatedOf<Row> = Row extends Task<infer _, infer Evaluated> ? Evaluated : never;
export type DifferenceOf<Row> = Row extends Task<infer _, infer __, infer Difference> ? Difference : never;
