/**
 * What a compression cost, as data: the contract between what measures (this package), what draws
 * (app/console) and what reads `report.json` years later. Every figure is made from the written file,
 * run by the engine with its optimiser on.
 *
 * Units: bytes, milliseconds, decibels; accuracies and shares are fractions in [0, 1]. The schema is JSON
 * Schema and describes the file; the types follow from it.
 */
import { type Static, Type } from "typebox";
import { memoryPlan } from "./memory-plan-schema.ts";
import {
  count,
  type Fixed,
  figure,
  list,
  number,
  object,
  orNull,
  said,
  share,
  text,
} from "./schema-words.ts";
import { stages } from "./stages-schema.ts";

const latency = object(
  {
    threads: count,
    runs: count,
    medianMs: number,
    p10Ms: number,
    p90Ms: number,
    meanMs: Type.Optional(
      Type.Number(said("Over images of the evaluation, where one of the models does less for some of them.")),
    ),
  },
  "One image a run, both models in turn.",
);

const digest = "^[0-9a-f]{64}$";

const unknownBytes = Type.Union([count, Type.Null()]);
const memory = object(
  {
    wholeProcessBytes: unknownBytes,
    aboveBareProcessBytes: unknownBytes,
    anonymousBytes: unknownBytes,
  },
  "Peak of a process of its own that loads the model and runs it once warm. Null where the system does not tell.",
);

const side = object({
  file: text,
  bytes: Type.Integer(said("On disk, external data included.")),
  sha256: Type.String({
    pattern: digest,
    description: "Of the file; with external data that of the lines which `sha256sum` prints for `files`.",
  }),
  files: Type.Optional(
    list(
      object({ file: text, sha256: Type.String({ pattern: digest }) }),
      said(
        "The model's file and those of its external data, in the order in which it names them; left out where there are none.",
      ),
    ),
  ),
  parameters: count,
  latency,
  memory,
  memoryPlan: Type.Optional(memoryPlan),
});

const environment = object({
  cupel: text,
  node: text,
  engine: text,
  cpu: text,
  cores: count,
  features: list(text, said('Instruction sets that decide INT8 speed, such as "avx2", "avx512_vnni".')),
});

const preprocessing = object(
  {
    setting: Type.String(said('In the words of --preprocessing, such as "colour=rgb,resize=none,...".')),
    origin: Type.Enum(["metadata", "given", "found", "guessed"], said("Who says so.")),
    remark: orNull(text, "What a trial of the usual ways showed, where nobody says how; else null."),
  },
  "How the images became tensors, for both models.",
);

const data = object(
  {
    evaluation: object({ location: text, images: count, labelled: Type.Boolean() }),
    calibration: orNull(
      text,
      "Where the images of the calibration are; null when the models are any two, or nothing was calibrated.",
    ),
  },
  "The images.",
);

const agreement = object(
  { count, of: count, value: share, low: share, high: share },
  "Images for which both models give the same top prediction, labels or not, with the 95 % interval of the share.",
);

const ofBoth = object({ original: share, compressed: share });

const unit = Type.Enum(["share", "dB", "number"], said("Shares are fractions in [0, 1]."));

const taskFigures = object(
  {
    measured: list(
      object({
        name: Type.String(said('What is measured against labels, such as "mean IoU".')),
        unit,
        original: figure("Of the original."),
        compressed: figure("The same of the compressed model."),
        of: Type.String(said('What it is taken over, such as "32 images".')),
      }),
      said("Empty where the images carry no labels of the task."),
    ),
    differences: list(
      object({
        name: Type.String(said('What is compared, such as "signal to noise" or "pixels that agree".')),
        unit,
        value: figure("Null in the file where nothing differs at all, or nothing could be compared."),
        interval: orNull(object({ low: number, high: number }), "Of 95 %; null where none is known."),
        of: Type.String(said('What it is taken over, such as "32 images".')),
      }),
      said("How far the compressed model differs from the original, the figure that counts first."),
    ),
  },
  "The figures of a task that is not telling classes apart.",
);

const confusionCell = object({
  label: Type.Integer({ minimum: 0, description: "Index into `classes`." }),
  prediction: Type.Integer({ minimum: 0, description: "Index into `classes`." }),
  original: count,
  compressed: count,
});

const timeRatio = object(
  { value: number, low: number, high: number },
  "Time of the compressed model over the original's: the median over the runs, both in turn, with its paired 95 % interval.",
);

const slowdown = object({
  operators: list(
    object({
      operator: Type.String(said('As the model names it: what runs as QLinearConv counts as "Conv".')),
      originalMs: Type.Number(said("Of one image, in the original; 0 where it has no such operator.")),
      compressedMs: number,
    }),
    said(
      "Those that cost the time, measured; the most first. Empty where no operator takes longer by itself.",
    ),
  ),
  sentence: text,
});

const accuracy = object({
  images: count,
  classes: list(text),
  top1: ofBoth,
  top5: orNull(ofBoth, "Null for five classes or fewer."),
  difference: object(
    { value: number, low: number, high: number },
    "compressed minus original top-1, with its paired 95 % interval.",
  ),
  confusion: list(
    confusionCell,
    said("Cells (label, prediction) of the confusion matrix that are not empty for both models."),
  ),
});

const prediction = object({ prediction: count, probability: figure("Of the predicted class.") });

const changedImage = object({
  id: text,
  label: orNull(count, "Index into `classes`; null when unlabelled."),
  original: prediction,
  compressed: prediction,
  thumbnail: Type.String(said("A PNG as a data URI, at most 96 pixels a side.")),
});

const range = Type.Tuple([figure("Smallest."), figure("Largest.")]);

const histogram = object(
  {
    original: list(count),
    compressed: list(count, said("As many bins as `original`.")),
    from: Type.Number(said("Lower edge of the first bin.")),
    to: Type.Number(said("Upper edge of the last bin; all bins are as wide.")),
  },
  "How many values lie where, in at most 32 bins over the range of both models. Removed channels are in neither.",
);

const layer = object({
  name: Type.String(said("The activation compared: the name of the value in the original model.")),
  operator: Type.String(said('Operators that make it, such as "Conv + BatchNormalization + Relu".')),
  shape: list(count, said("Of one image in the original, without the batch: [C, H, W] or [C].")),
  parameters: count,
  weightBits: orNull(number, "Of the weights; 32 where they stayed float, null where there are none."),
  weightForm: orNull(text, 'How the weights lie in the file, such as "INT4, per channel".'),
  bytes: object({ original: count, compressed: count }),
  relativeError: object(
    { mean: figure("Mean."), peak: figure("Largest."), std: figure("Standard deviation.") },
    "|a - b| / (|a| + eps) over all elements, eps = 1e-2 of the layer's RMS.",
  ),
  sqnrDb: figure("10 log10 (sum a^2 / sum (a - b)^2). Null in the file where a and b are equal."),
  cosine: figure("Of the angle between a and b."),
  range: object({ original: range, compressed: range }),
  histogram: orNull(histogram, "Of the values compared; null where none is a finite number."),
  timeShare: object({
    original: orNull(number, "Share of the model's run time; null where the engine fused the layer away."),
    compressed: orNull(number, "The same of the compressed model."),
  }),
  channelError: list(
    figure("RMS of (a - b) in a channel over RMS of a in the layer. Null in the file for a removed channel."),
    said("One an output channel of the original."),
  ),
});

const spatial = object(
  {
    images: list(object({ id: text, thumbnail: text })),
    layers: list(
      object({
        layer: text,
        width: count,
        height: count,
        maps: list(list(figure("Relative to the layer's RMS.")), said("One map an image, row by row.")),
      }),
    ),
  },
  "|a - b| averaged over channels for a few images, at most 32 x 32 cells a map.",
);

const fusion = object({
  convolutions: count,
  fused: count,
  unfused: list(
    object({ node: text, reason: text }),
    said("Nodes the engine left in float, and why where it is known."),
  ),
});

const tradeOffPoint = object({
  bytes: count,
  loss: Type.Number(
    said(
      "On the held-out calibration images, never on evaluation images: top-1 lost, or predictions changed.",
    ),
  ),
  chosen: Type.Boolean(),
});

const targetFigure = object({
  quantity: Type.Enum(
    ["latencyMs", "latencyShare", "bytes", "drop"],
    said(
      "`latencyMs`: of one image on one thread; `latencyShare`: the same over the original's; `bytes`: of the file; `drop`: top-1 lost, a fraction.",
    ),
  ),
  target: Type.Number(said("The most it was to be.")),
  predicted: orNull(
    Type.Number(),
    "By the search, before the network was made; null where it looked at none.",
  ),
  measured: Type.Number(said("Of the network that was written; a drop on held-out calibration images.")),
});

const calibration = object({
  method: text,
  images: count,
  batches: count,
  stoppedEarly: Type.Boolean(said("Did the ranges stop moving before the images ran out?")),
});

export const reportSchema = object({
  format: Type.Literal("cupel-report/4"),
  createdAt: Type.String(said("ISO 8601, UTC.")),
  environment,
  seed: count,
  command: orNull(text, "The command line that made it; null when a program did."),
  data,
  preprocessing,
  task: Type.String(
    said('What the outputs mean, such as "classification"; "features" where nothing is known of them.'),
  ),
  outputs: list(
    text,
    said("Names of the original's outputs; `layers` has the figures of those that were compared."),
  ),
  recipe: Type.Unknown(said("The recipe as run, every default filled in; null when the models are any two.")),
  original: side,
  compressed: side,
  timeRatio,
  slowdown: orNull(slowdown, "Null unless even the lower end of `timeRatio` is above 1.03."),
  accuracy: orNull(accuracy, "Null when the images carry no labels."),
  agreement: orNull(agreement, "Null where `task` is not classification."),
  taskFigures: orNull(taskFigures, "Null where `task` is classification."),
  layers: list(layer, said("In execution order.")),
  firstBadLayer: orNull(
    object({ layer: text, sentence: text }),
    "The first layer whose error stands out, and a sentence that says so; null when none does.",
  ),
  changed: object(
    { count, shown: list(changedImage) },
    "Images whose top prediction changed: at most 60 shown, the count is whole.",
  ),
  spatial,
  fusion,
  tradeOff: list(
    tradeOffPoint,
    said("Points of the search for a budget, from the most bytes; empty when nothing was searched."),
  ),
  targets: Type.Optional(
    list(targetFigure, said("What pruning was to keep to. Not in reports of versions that could not.")),
  ),
  calibration: orNull(calibration, "Null when the models are any two, or nothing was calibrated."),
  stages: Type.Optional(stages),
  notes: list(text, said("Remarks a reader must see, such as a CPU without VNNI.")),
});

export type CompressionReport = Fixed<Static<typeof reportSchema>>;
export type ReportEnvironment = CompressionReport["environment"];
export type Agreement = NonNullable<CompressionReport["agreement"]>;
export type ModelSide = CompressionReport["original"];
export type LatencyReport = ModelSide["latency"];
export type Slowdown = NonNullable<CompressionReport["slowdown"]>;
export type MemoryReport = ModelSide["memory"];
export type MemoryPlanReport = NonNullable<ModelSide["memoryPlan"]>;
export type AccuracyComparison = NonNullable<CompressionReport["accuracy"]>;
export type ConfusionCell = AccuracyComparison["confusion"][number];
export type ChangedImage = CompressionReport["changed"]["shown"][number];
export type TaskFigures = NonNullable<CompressionReport["taskFigures"]>;
export type LayerReport = CompressionReport["layers"][number];
export type SpatialMaps = CompressionReport["spatial"];
export type FusionReport = CompressionReport["fusion"];
export type TradeOffPoint = CompressionReport["tradeOff"][number];
export type TargetFigure = NonNullable<CompressionReport["targets"]>[number];
export type CalibrationReport = NonNullable<CompressionReport["calibration"]>;
export type StagesReport = NonNullable<CompressionReport["stages"]>;
export type PruningReport = NonNullable<StagesReport["pruned"]>;
export type RoundedLayerReport = StagesReport["rounding"][number];
export type RetrainingReport = NonNullable<StagesReport["retrained"]>;
export type GatesReport = NonNullable<StagesReport["gates"]>;
export type EarlyExitReport = NonNullable<StagesReport["exit"]>;
