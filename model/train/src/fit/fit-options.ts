/** The options of a training and its result. */
import type { WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { LabelsBy } from "@cupel/predict";
import type { SessionOpener } from "@cupel/runtime";
import type { Augmentation, ImageSource, LoaderOptions, Preprocessing, UnreadableImage } from "@cupel/vision";
import type { Loss } from "../step/loss.ts";
import type { ParameterCounts } from "../step/step-state.ts";
import type { StepResult, TrainerOptions } from "../trainer/trainer.ts";
import type { EpochMetrics, Metric } from "./history.ts";
import type { Schedule } from "./schedule.ts";

export interface FitOptions extends Omit<TrainerOptions, "loss" | "open">, WorkOptions {
  /** Labelled. */
  readonly train: ImageSource;
  readonly preprocessing: Preprocessing;
  /** Of the training images. Default none. */
  readonly augmentation?: Augmentation | undefined;
  /** Labelled images, or the share of `train` to hold out, stratified. Default: no validation. */
  readonly validation?: ImageSource | number | undefined;
  readonly epochs: number;
  readonly schedule: Schedule;
  /** Default cross-entropy without smoothing. */
  readonly loss?: Extract<Loss, { kind: "cross-entropy" }>;
  /** Seed of the order of the images, of every augmentation and of what is held out. Default 1. */
  readonly seed?: number | undefined;
  /** Default: none is written. */
  readonly checkpoint?: CheckpointOptions | undefined;
  /**
   * Folder of the history: as each epoch ends, a row of `history.csv` with its metrics, and a TensorBoard event. An earlier
   * table is replaced. Default: none.
   */
  readonly history?: string | undefined;
  /** Stops after so many epochs without a better one. Default: never. Needs validation. */
  readonly patience?: number | undefined;
  /** The validation figure that decides which epoch is best. Default "accuracy". */
  readonly metric?: Metric | undefined;
  /** Whose weights the model gets. Default "best"; without validation, the last. */
  readonly keep?: "best" | "last" | undefined;
  /** Above 1, each batch is divided among so many sessions (`openParallelTrainer`), of `threads` each. Default 1. */
  readonly replicas?: number | undefined;
  readonly loader?: Pick<LoaderOptions, "workers" | "queue" | "strict"> | undefined;
  /** What sessions are opened with, such as a profiler's `open`. Default: those of @cupel/runtime. */
  readonly open?: SessionOpener | undefined;
  /** Called after each step; `step` counts from 1. */
  readonly onStep?: ((result: StepResult & { readonly step: number }) => void) | undefined;
  /** Called when an epoch has ended and been validated; `best` is the best so far, null without validation. */
  readonly onEpoch?: ((metrics: EpochMetrics, best: EpochMetrics | null) => void) | undefined;
  /** Called for each of the `notes` of the result, before the first step. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface CheckpointOptions {
  /** A file in the format safetensors. It is written for the end of each epoch, once the next step has had a finite loss. */
  readonly path: string;
  /** Also after each so many steps. Default: only at the end of each epoch. */
  readonly everySteps?: number | undefined;
  /** Continues from the file where there is one. Default false: an existing file is an error and is left as it is. */
  readonly resume?: boolean | undefined;
}

export interface FitResult {
  /** Carries its preprocessing and class names. */
  readonly model: Model;
  readonly history: readonly EpochMetrics[];
  /** The epoch, from 1, whose weights the model has. */
  readonly epoch: number;
  /** "early": no epoch was better for `patience` epochs. */
  readonly stopped: "done" | "early";
  /** Which float constants of the network were trained, frozen and constant. */
  readonly parameters: ParameterCounts;
  /** How the labels of the images met the network's classes: "index" where those to train or to validate with did. */
  readonly labels: LabelsBy;
  /** Sentences for the log, such as that the checkpoint was of an earlier version. */
  readonly notes: readonly string[];
  /** Images that could not be read. */
  readonly unreadable: readonly UnreadableImage[];
}
