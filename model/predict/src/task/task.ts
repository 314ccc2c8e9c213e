/**
 * What a task is: how the outputs of a model become predictions, how predictions are measured against
 * labels, and how two models are compared. A task is a row of the table in `tasks.ts`; nothing outside its
 * row interprets an output.
 *
 * What each kind of task fills in:
 *
 * | | classification | multi-label | detection | segmentation | sequence | regression | features |
 * | --- | --- | --- | --- | --- | --- | --- | --- |
 * | recognises | the first output, one row of scores an image | such a row through a sigmoid | metadata, or outputs that have the shape of boxes | one map of scores an image, `[N, C, H, W]` | characters in the metadata, or probabilities along the width | nothing: it is said | any float output; the last row of the table |
 * | reader | class, name, probability, scores | classes with scores | boxes with class and score, mapped back to the image | a class for each pixel | a text and its confidence | the values as they are | the values as they are |
 * | evaluation | labels are classes: top-1, top-5 | labels are sets of classes: mean average precision, micro F1 | labels are boxes: mean average precision | labels are maps: mean intersection over union | labels are texts: exact match, character error rate | labels are numbers: mean absolute error, root mean square error | no labels: nothing but the values is kept |
 * | compare | McNemar's interval, same prediction | same classes | boxes that agree | pixels that agree | same text | cosine, SQNR, difference of the errors | cosine, SQNR |
 */
import type { Model } from "@cupel/onnx";
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { ImageBatch, ImageSource, Preprocessing, UnreadableImage } from "@cupel/vision";
import type { LabelsBy } from "../labels/match-labels.ts";

/** What a task knows of a model whose outputs it reads. */
export interface ModelFacts {
  /** As the engine declares them. */
  readonly outputs: readonly ValueInfo[];
  /** Names in the order of the model's classes; null when nobody names them. */
  readonly classes: readonly string[] | null;
  readonly preprocessing: Preprocessing;
  /** Path of labels that lie apart from the images, as a folder of masks; null or absent where there are none. */
  readonly labels?: string | null | undefined;
  /** The column of `labels` where that is a table; null or absent where its name tells. */
  readonly labelColumn?: string | null | undefined;
}

/** The same while the model is opened. */
export interface TaskModel extends ModelFacts {
  /** The graph and its metadata; null where only an opened session is there. A reader MUST NOT keep it. */
  readonly model: Model | null;
}

export interface OutputReader<Prediction> {
  /** Names of the outputs that `read` needs. */
  readonly fetches: readonly string[];
  /** Set where the outputs of several images in one run could not be told apart. Default: any number. */
  readonly imagesPerRun?: 1 | undefined;
  /** Set where the outputs are lists of what was found: two models need not find as much, nor in one order. Default: places are the same. */
  readonly listed?: true | undefined;
  /** What the outputs are read as, to follow "its outputs are", where the task has several forms. Default: one form. */
  readonly form?: string | undefined;
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
  /**
   * In the order of the source. A promise is awaited before the next one: labels may be files.
   * @param index of the image in its source. @throws LABELS_MISMATCH
   */
  add(index: number, prediction: Prediction): void | Promise<void>;
  /** @param unreadable images that could not be read, for which there was no prediction. */
  result(unreadable: readonly UnreadableImage[]): Evaluated;
}

/** A figure as commands, the report and its page tell it, whatever the task. */
export interface TaskFigure {
  /** In words that stand before it: "mean IoU", "pixels that agree". */
  readonly name: string;
  /** A share is a fraction of 1. */
  readonly unit: "share" | "dB" | "number";
  /** Infinite where the noise is nothing; not a number where it could not be measured. */
  readonly value: number;
  /** Of 95 %; null where none is known. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** What it is taken over: "32 images". */
  readonly of: string;
}

/** What evaluations of every task have in common. */
export interface EvaluatedImages {
  /** Index in the source of each image that could be read, in its order. */
  readonly indices: readonly number[];
  readonly unreadable: readonly UnreadableImage[];
  /** How labels met the classes; null or absent where there are none, or the task has no classes. */
  readonly labelsBy?: LabelsBy | undefined;
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
  /** What `recognises` looks for, to follow "because": "its first output is one row of class scores an image". */
  readonly recognisedBy: string;
  /** Where its labels are: those that the images of a source carry, files at `ModelFacts.labels`, these where given and else those, or null for none. */
  readonly labelsFrom: "images" | "files" | "either" | null;
  /** Classes told apart; null where the shape does not say, or there are none. @param shape of the first output */
  classCount(shape: readonly unknown[]): number | null;
  /** @throws OUTPUT_UNSUPPORTED */
  reader(model: TaskModel): OutputReader<Prediction>;
  /**
   * Finds the labels it needs among the images and checks them against the model.
   * @throws LABELS_MISMATCH
   */
  evaluation(images: ImageSource, facts: ModelFacts): TaskEvaluation<Prediction, Evaluated>;
  /** Both MUST be of the same source. */
  compare(first: Evaluated, second: Evaluated): Difference;
  /** Measured against labels, the one that counts first; empty without labels. */
  figures(evaluated: Evaluated): readonly TaskFigure[];
  /** How far the second model differs from the first, labels or not; the one that counts first. */
  differences(difference: Difference): readonly TaskFigure[];
}

export type PredictionOf<Row> = Row extends Task<infer Prediction> ? Prediction : never;
export type EvaluatedOf<Row> = Row extends Task<infer _, infer Evaluated> ? Evaluated : never;
export type DifferenceOf<Row> = Row extends Task<infer _, infer __, infer Difference> ? Difference : never;
