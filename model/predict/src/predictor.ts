/**
 * A model file that predicts images. It says itself what it needs: its task, its preprocessing and the names
 * of its classes are in its metadata; what is given goes before that, and what neither tells is guessed.
 */
import type { WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { EngineTuning, Feeds, ModelSource, openSession } from "@cupel/runtime";
import { type ImageBatch, type ImageSource, type Preprocessing, sample, visionErrors } from "@cupel/vision";
import { classification } from "./classification/classification.ts";
import { endsInSoftmax } from "./classification/probabilities.ts";
import { metadataKeys } from "./file/metadata.ts";
import { type OpenedModel, openModel } from "./file/open-model.ts";
import { type ModelInputs, modelInputs } from "./input/model-inputs.ts";
import { matchLabels, withoutLabels } from "./labels/match-labels.ts";
import { classCountOf, classesOf } from "./labels/model-classes.ts";
import {
  type ChosenPreprocessing,
  choosePreprocessing,
  type Origin,
} from "./preprocessing/choose-preprocessing.ts";
import { findPreprocessing } from "./preprocessing/find-preprocessing.ts";
import type { Finding } from "./preprocessing/finding.ts";
import { type ImageSession, runBatch } from "./run/image-runs.ts";
import {
  type EvaluationOptions,
  evaluateImages,
  type ImagePrediction,
  type PredictOptions,
  predictImages,
} from "./run/predict-images.ts";
import { trueOutputs } from "./run/true-outputs.ts";
import type {
  DifferenceOf,
  EvaluatedImages,
  EvaluatedOf,
  PredictionOf,
  Task,
  TaskModel,
} from "./task/task.ts";
import { recognisedTask, type TaskName, taskNamed, tasks } from "./task/tasks.ts";

/** A signal cancels the opening. */
export interface PredictorOptions extends EngineTuning, WorkOptions {
  /**
   * In full, or in the words of `parsePreprocessing`, such as "preset=imagenet,resize=none": what is not named
   * is then as the model says. Default: as the model's metadata says, else guessed from its input's shape.
   */
  readonly preprocessing?: Preprocessing | string | undefined;
  /**
   * Images to find the preprocessing with, where neither the caller nor the model says it: a few hundred are tried.
   * Labels that are no classes of the model are not used. Default: none, and a guess stays one.
   */
  readonly findWith?: ImageSource | undefined;
  /** Names in the order of the model's classes. Default: as the model's metadata says. */
  readonly classes?: readonly string[] | undefined;
  /** The same, where the model itself names none, or has names that cannot be read. Default: none. */
  readonly classesOtherwise?: readonly string[] | null | undefined;
  /** What its outputs mean, where they do not tell or another reading is wanted. Default: as the metadata says, else recognised. */
  readonly taskName?: TaskName | undefined;
  /**
   * Tensors by name for inputs beside the image, of one image or of any. Default: none, and a model of several inputs
   * is refused but for those that have a usual value.
   */
  readonly inputs?: Feeds | undefined;
  /** What the session is opened with, such as a profiler's `open`. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
  /** A session of the same model that is open already, and stays so when the predictor is closed. Default: one is opened. */
  readonly session?: ImageSession | undefined;
}

export interface Predictor<Prediction, Evaluated extends EvaluatedImages, Difference>
  extends AsyncDisposable {
  readonly task: Task<Prediction, Evaluated, Difference>;
  /** That of `task`: it tells the predictors of `KnownPredictor` apart. */
  readonly taskName: string;
  readonly preprocessing: Preprocessing;
  /** What a trial of usual preprocessings showed; null where somebody says it, or there were no images to try. */
  readonly finding: Finding | null;
  /** Names in the order of the model's classes; null when nobody names them. */
  readonly classes: readonly string[] | null;
  /** How many classes its task tells apart; null where the shape of the first output does not say, or there are none. */
  readonly classCount: number | null;
  /** What the outputs are read as, to follow "its outputs are"; null where the task has one form. */
  readonly form: string | null;
  /** Where each came from; that of `classes` is null when there are none. */
  readonly origin: {
    readonly task: Origin;
    readonly preprocessing: Origin;
    readonly classes: Origin | null;
  };
  /** Sentences on how the model is fed, where a person should know: no batch, no channels, other inputs. */
  readonly inputSentences: readonly string[];
  /** Sentences on outputs that have another shape than the file declares. */
  readonly outputSentences: readonly string[];
  /** The file itself. Its graph is not kept: the engine has the weights. */
  readonly file: Omit<OpenedModel, "model">;
  /**
   * Predictions one image after the other, in the order of the source. Labels are not looked at.
   * @throws IMAGES_UNREADABLE, OUTPUT_UNSUPPORTED, CANCELLED, SESSION_CLOSED, and what a run throws
   */
  predict(images: ImageSource, options?: PredictOptions): AsyncIterable<ImagePrediction<Prediction>>;
  /**
   * Predictions of images that are tensors already, as `createImageReader` makes them with the predictor's
   * preprocessing. The batch's data is given away.
   * @param session runs them, such as one that joins the images of several callers. Default: the predictor's own.
   * @throws OUTPUT_UNSUPPORTED, INPUT_SHAPE_MISMATCH, and what a run throws
   */
  predictBatch(
    batch: ImageBatch,
    session?: Pick<ImageSession, "inputs" | "run">,
  ): Promise<readonly Prediction[]>;
  /**
   * The same, measured against the labels of the images, which meet the classes by name where both sides have names.
   * @throws LABELS_MISMATCH and what `predict` throws
   */
  evaluate(images: ImageSource, options?: EvaluationOptions): Promise<Evaluated>;
  /** Frees all native memory. Predictions under way fail with SESSION_CLOSED. */
  close(): Promise<void>;
}

/** Of `findWith`. */
const imagesTried = 256;

type PredictorFor<Row> = Predictor<PredictionOf<Row>, EvaluatedOf<Row>, DifferenceOf<Row>>;

/** Of a task in the table: look at `taskName` before what only one task has. */
export type KnownPredictor<Names extends TaskName = TaskName> = {
  [Name in Names]: PredictorFor<(typeof tasks)[Name]> & { readonly taskName: Name };
}[Names];

/**
 * Opens a model for images. The task is that of the model's metadata, else the first in the table that
 * recognises the outputs; another of the table, or a task of one's own can be given.
 * @param source a path, or the bytes of a model without external weights.
 * @throws what `openModel` and `openSession` throw, INPUT_UNSUPPORTED, INPUT_SHAPE_MISMATCH, OUTPUT_UNSUPPORTED,
 * TASK_UNKNOWN, METADATA_INVALID, PREPROCESSING_INVALID, LABELS_MISMATCH for class names that are not as many as
 * the classes
 */
export function openPredictor<Prediction, Evaluated extends EvaluatedImages, Difference>(
  source: ModelSource,
  options: PredictorOptions & { readonly task: Task<Prediction, Evaluated, Difference> },
): Promise<Predictor<Prediction, Evaluated, Difference>>;
export function openPredictor<Name extends TaskName = TaskName>(
  source: ModelSource,
  options?: PredictorOptions & { readonly taskName?: Name | undefined },
): Promise<KnownPredictor<Name>>;
export async function openPredictor(
  source: ModelSource,
  options: PredictorOptions & { readonly task?: Task } = {},
): Promise<Predictor<unknown, EvaluatedImages, unknown>> {
  const opened = await openModel(source);
  const chosen = choosePreprocessing(opened, options.preprocessing);
  const inputs = modelInputs(opened.model, chosen.preprocessing, options.inputs);
  const session = options.session
    ? lent(options.session, inputs)
    : await inputs.opener(options.open)(source, options);
  try {
    const { model, ...file } = opened;
    const { outputs, sentences } = await trueOutputs(session, model, chosen.preprocessing);
    const { task, ...told } = chooseTask({ outputs, model }, options.task ?? named(options.taskName));
    const classCount = task.classCount(model.graph.outputs[0]?.shape ?? []);
    const classes = chooseClasses(opened, classCount, options);
    const { preprocessing, origin, finding } =
      task === classification ? await found(session, model, classes.names, chosen, options) : chosen;
    const facts = { outputs, classes: classes.names, preprocessing };
    const reader = task.reader({ ...facts, model });
    return {
      task,
      taskName: task.name,
      preprocessing,
      finding,
      classes: classes.names,
      classCount,
      form: reader.form ?? null,
      origin: { task: told.origin, preprocessing: origin, classes: classes.origin },
      inputSentences: inputs.sentences,
      outputSentences: sentences,
      file,
      predict: (images, work = {}) => predictImages(session, reader, preprocessing, images, work),
      predictBatch: (batch, by) => runBatch(by ? inputs.feeding(by) : session, reader, batch),
      evaluate: (images, work = {}) => evaluateImages(session, task, reader, facts, images, work),
      close: () => session.close(),
      [Symbol.asyncDispose]: () => session.close(),
    };
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

function lent(session: ImageSession, inputs: ModelInputs) {
  return { ...inputs.feeding(session), outputs: session.outputs, close: async () => {} };
}

async function found(
  session: ImageSession,
  model: Model,
  names: readonly string[] | null,
  chosen: ChosenPreprocessing,
  { findWith, signal, progress }: PredictorOptions,
): Promise<ChosenPreprocessing> {
  if (!findWith) return chosen;
  const outputShape = model.graph.outputs[0]?.shape ?? [];
  const labelled =
    matchLabels(findWith, { count: classCountOf(outputShape), names }).images ?? withoutLabels(findWith);
  const probabilities = endsInSoftmax(model);
  return findPreprocessing(session, sample(labelled, imagesTried, 1), chosen, {
    probabilities,
    signal,
    progress,
  });
}

interface ChosenClasses {
  readonly names: readonly string[] | null;
  readonly origin: Origin | null;
}

function chooseClasses(
  { model, path }: OpenedModel,
  count: number | null,
  { classes: given, classesOtherwise = null }: PredictorOptions,
): ChosenClasses {
  if (given === undefined) {
    const { names } = classesOf(model, classesOtherwise, count);
    return { names, origin: names && (names === classesOtherwise ? "given" : "metadata") };
  }
  if (count === null || count === given.length) return { names: given, origin: "given" };
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${given.length} class names are given, but ${path} tells ${count} classes apart. Give one name for each class, in their order.`,
    { details: { names: given.length, classes: count } },
  );
}

function named(name: TaskName | undefined): Task | undefined {
  return name && tasks[name];
}

function chooseTask(
  model: Pick<TaskModel, "outputs"> & Pick<OpenedModel, "model">,
  given: Task | undefined,
): { readonly task: Task; readonly origin: Origin } {
  if (given) return { task: given, origin: "given" };
  const name = model.model.metadata.get(metadataKeys.task);
  if (name !== undefined) return { task: taskNamed(name), origin: "metadata" };
  return { task: recognisedTask(model), origin: "guessed" };
}
