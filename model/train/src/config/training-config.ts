/**
 * A training as a document: what is trained, on which images, and how. The one table of its options: the
 * command line, the check of a configuration file and the defaults of a training all read these rows.
 */
import { conforms, type Schema } from "@cupel/base";
import type { XStatic } from "typebox/schema";

type Row = Schema & {
  readonly description: string;
  /** Null when no value stands for an option that is left out; `otherwise` then describes what holds. */
  readonly default: string | number | boolean | null;
  readonly otherwise?: string;
  /** The key it had in an earlier version. */
  readonly formerly?: string;
};

const text = { type: "string", minLength: 1, default: null } as const;
const flag = { type: "boolean", default: false } as const;
const share = {
  type: "number",
  minimum: 0,
  exclusiveMaximum: 1,
  expects: "at least 0 and below 1",
} as const;
const positive = { type: "number", exclusiveMinimum: 0 } as const;
const count = { type: "integer", minimum: 1 } as const;

export const trainingOptions = {
  network: { ...text, description: "What is trained: a path that ends in .onnx, or a network by name" },
  data: {
    ...text,
    description:
      "Labelled images to train with: one folder a class, a CSV of labels, an IDX or CIFAR-10 binary file, or synthetic:COUNT[:SEED]",
  },
  labels: {
    ...text,
    description: "Labels in a file of their own: a CSV for a folder, an idx1 file for IDX",
  },
  labelColumn: { ...text, otherwise: "label", description: "Column of the CSV that holds the labels" },
  classes: {
    ...text,
    otherwise: "classes.txt beside the images",
    description: "File of class names in the order of the labels, one a line",
  },
  validation: {
    anyOf: [
      { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
      { type: "string", pattern: "[^\\d.]" },
    ],
    expects: "images, or a share above 0 and below 1",
    default: null,
    otherwise: "none",
    description: "Images to judge each epoch by, or the share of the data to hold out, such as 0.1",
  },
  out: { ...text, description: "The model to write" },
  epochs: { ...count, default: 10, description: "Times through the images" },
  batch: { ...count, default: 64, description: "Images a step" },
  optimiser: { enum: ["sgd", "adamw"], default: "sgd", description: "How steps are taken" },
  learningRate: {
    ...positive,
    formerly: "rate",
    default: null,
    otherwise: "0.05 for sgd, 0.001 for adamw",
    description: "Learning rate, the largest of the schedule",
  },
  schedule: {
    enum: ["cosine", "one-cycle", "step", "constant"],
    default: "cosine",
    description: "How the learning rate changes from step to step",
  },
  warmup: {
    type: "integer",
    minimum: 0,
    default: 0,
    description: "Steps over which the learning rate first rises; one-cycle has its own",
  },
  momentum: { ...share, default: null, otherwise: "0.9", description: "Momentum of sgd" },
  weightDecay: {
    ...share,
    default: null,
    otherwise: "0 for sgd, 0.01 for adamw",
    description: "Weight decay",
  },
  clipNorm: {
    ...positive,
    default: null,
    otherwise: "not clipped",
    description: "Greatest norm of all gradients together",
  },
  smoothing: {
    ...share,
    default: 0,
    description: "Label smoothing: share of the probability that is spread over all classes",
  },
  augment: {
    ...text,
    otherwise: "none",
    description: "Random changes of the training images, such as flip,crop=4,colour=0.2",
  },
  freeze: {
    ...text,
    otherwise: "all are trained",
    description:
      "Parameters to leave as they are, such as conv1.*,layer1.*; with its scale and offset, a BatchNormalization keeps its statistics",
  },
  train: {
    ...text,
    otherwise:
      "every float constant but one number, a mask, a setting or a normalisation of the input, unless its name is a parameter's",
    description:
      "Constants to train that would be none of the parameters, or that freeze names as well, such as fc.*",
  },
  tie: {
    ...text,
    otherwise: "matrices with unequal elements that no exporter names apart",
    description: "Constants that are one parameter for all the layers that read them",
  },
  untie: {
    ...text,
    otherwise: "all that is not tied",
    description: "Constants of which each layer that reads them trains its own copy",
  },
  statistics: {
    enum: ["batch", "frozen"],
    default: "batch",
    description: "Normalise by each batch and keep running statistics, or use those the model has",
  },
  patience: {
    ...count,
    default: null,
    otherwise: "never",
    description: "Stop when so many epochs brought nothing better; needs validation",
  },
  metric: {
    enum: ["accuracy", "loss"],
    default: "accuracy",
    description: "The validation figure that decides which epoch is best",
  },
  keep: { enum: ["best", "last"], default: "best", description: "The epoch that is written" },
  workers: {
    type: "integer",
    minimum: 0,
    default: 1,
    description: "Threads that prepare images, beside those of the engine",
  },
  replicas: {
    ...count,
    default: 1,
    description: "Sessions that share each batch, each with its part of the threads",
  },
  precision: {
    enum: ["float32", "mixed"],
    default: "float32",
    description: "Mixed computes products and convolutions in float16, for providers that are faster with it",
  },
  providers: {
    ...text,
    otherwise: "cpu",
    description: "Execution providers of the engine in order of preference, such as cuda,cpu",
  },
  preprocessing: {
    ...text,
    otherwise: "as the model's metadata says, else guessed from the size of the images",
    description:
      "How images become tensors, such as preset=imagenet,resize=short-side:256,crop=224; presets are imagenet, tf, unit, raw, cifar10, mnist, caffe",
  },
  checkpoint: {
    ...text,
    otherwise: "none is written",
    description: "Folder of the checkpoint that resume continues from",
  },
  resume: { ...flag, description: "Go on from the checkpoint, where there is one" },
  history: {
    ...text,
    otherwise: "NAME.history beside the model",
    description:
      "Folder of the history: for each epoch, as it ends, a row of history.csv and a TensorBoard event",
  },
  profile: { ...text, otherwise: "none", description: "Folder for a flame graph and a Chrome trace" },
  watchMemory: { ...flag, description: "Say at the end whether memory grew from step to step" },
  strict: { ...flag, description: "Stop at the first image that cannot be read, instead of leaving it out" },
  seed: {
    type: "integer",
    minimum: 0,
    default: 1,
    description: "Seed of everything that is drawn; the same seed gives the same result",
  },
  threads: {
    ...count,
    default: null,
    otherwise: "the cores this process may use",
    description: "Threads the engine computes with",
  },
} as const satisfies Readonly<Record<string, Row>>;

export const trainingConfigSchema = {
  type: "object",
  properties: trainingOptions,
  required: ["network"],
  additionalProperties: false,
} as const satisfies Schema;

/** Each key is described in `trainingOptions`. */
export type TrainingConfig = Readonly<XStatic<typeof trainingConfigSchema>>;

export type TrainingOption = keyof TrainingConfig;

/** Whether a value may be given for the option. */
export function isOptionValue<Key extends TrainingOption>(
  key: Key,
  value: unknown,
): value is NonNullable<TrainingConfig[Key]> {
  return conforms(trainingOptions[key], value);
}
