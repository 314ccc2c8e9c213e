/**
 * Measures what a compression cost: runs both written files, as the engine optimises them, on the same
 * images, and fills the report. Everything expensive is streamed; what grows with the number of images
 * is their predictions alone.
 */
import { type Clock, systemClock, throwIfCancelled, type WorkOptions } from "@cupel/base";
import type { Correspondence, Model } from "@cupel/onnx";
import {
  type ChosenPreprocessing,
  classesOf,
  type EvaluatedImages,
  type Evaluation,
  evaluate,
  evaluateAs,
  features,
  type ModelClasses,
  measuredSentence,
  namedBy,
  orderSentence,
  preprocessingSentence,
  requireLabels,
  type Task,
  type TaskName,
  taskOf,
  tasks,
  withoutLabels,
} from "@cupel/predict";
import { cpuFeatures, type Feeds, type openSession } from "@cupel/runtime";
import { type ImageSource, type Preprocessing, preprocessingText, sample, thumbnail } from "@cupel/vision";
import { classesOfBoth } from "./classes-of-both.ts";
import { judgeLayers } from "./judge/first-bad-layer.ts";
import { reportNotes } from "./judge/notes.ts";
import { isSlower, slowdownOf } from "./judge/slowdown.ts";
import { layerReports, type PlannedLayer, plannedFor } from "./layer-reports.ts";
import { type MatchedLayer, matchLayers } from "./match/match-layers.ts";
import { matchNames } from "./match/match-names.ts";
import type { Segment } from "./match/segments.ts";
import {
  type ActivationComparison,
  compareActivations,
  comparedBatchSize,
} from "./measure/compare-activations.ts";
import { type ChangedPrediction, comparePredictions, spreadOver } from "./measure/compare-predictions.ts";
import { compareTask } from "./measure/compare-task.ts";
import {
  environmentOf,
  fusionOf,
  latencyOf,
  memoryOf,
  memoryPlanOf,
  operatorTimesOf,
  timeSharesOf,
} from "./measure/cost.ts";
import { constantValues, countParameters } from "./measure/count-parameters.ts";
import { feedsOf } from "./measure/image-feeds.ts";
import { atOnce, describeFile, inTurn, type ModelPair, readMeasured } from "./model-pair.ts";
import type {
  CalibrationReport,
  ChangedImage,
  CompressionReport,
  ModelSide,
  SpatialMaps,
  StagesReport,
  TargetFigure,
  TradeOffPoint,
} from "./report-schema.ts";

/** What a compressor tells of its work; `compress` returns it. */
export interface CompressionFacts {
  /** As run. */
  readonly recipe: unknown;
  /** Null where nothing was measured to compress it. */
  readonly calibration: CalibrationReport | null;
  readonly tradeOff: readonly TradeOffPoint[];
  /** What pruning was to keep to. Default: nothing. */
  readonly targets?: readonly TargetFigure[] | undefined;
  readonly layers: readonly PlannedLayer[];
  /** From the values of the original to those of the compressed model. */
  readonly correspondence: Correspondence;
  /** Without them the report says nothing of what the stages did. */
  readonly pruned?: StagesReport["pruned"] | undefined;
  readonly rounding?: StagesReport["rounding"] | undefined;
  readonly retrained?: StagesReport["retrained"] | undefined;
  readonly exit?: StagesReport["exit"] | undefined;
  readonly gates?: StagesReport["gates"] | undefined;
}

export interface MakeReportOptions extends WorkOptions {
  /** The written files. */
  readonly originalPath: string;
  readonly compressedPath: string;
  /** Evaluation images, labelled or not. */
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  /** Who said how the images are prepared, and what was found about it. Default: the caller. */
  readonly preprocessingOrigin?: Pick<ChosenPreprocessing, "origin" | "finding"> | undefined;
  /** The command line and the images of the calibration, for the record. */
  readonly madeBy?:
    | { readonly command?: string | undefined; readonly calibration?: string | undefined }
    | undefined;
  /**
   * Names in the order of the model's classes, where the original itself names none. Default: those of the images,
   * else "class 0", "class 1", ...
   */
  readonly classes?: readonly string[] | null | undefined;
  /** What the outputs mean. Default: as both models say, else as the shapes of their outputs do. */
  readonly taskName?: TaskName | undefined;
  /** Path of labels that lie apart from the images, as a folder of masks. Default: none. */
  readonly labels?: string | null | undefined;
  /** The column of `labels` where that is a table. Default: the one whose name tells. */
  readonly labelColumn?: string | null | undefined;
  /** What is known of how the second model was made from the first. Default: nothing, any two models. */
  readonly compression?: CompressionFacts | null | undefined;
  /** Tensors by name for inputs beside the image, of one image or of any. Default: none. */
  readonly inputs?: Feeds | undefined;
  readonly seed: number;
  /** Default: all cores this process may use. */
  readonly threads?: number | undefined;
  /**
   * What sessions are opened with that compare the models, such as a profiler's `open`; latency and memory are
   * measured without it. Default: `openSession` of @cupel/runtime.
   */
  readonly open?: typeof openSession | undefined;
  /** Images whose activations are compared, a stratified sample. Default 64. */
  readonly comparedImages?: number | undefined;
  readonly clock?: Clock | undefined;
}

const shownChanges = 60;
const mappedImages = 6;
const comparedByDefault = 64;

/**
 * @throws MODEL_NOT_FOUND and what reading a model throws; INPUT_SHAPE_MISMATCH, OUTPUT_UNSUPPORTED,
 * LABELS_MISMATCH, IMAGES_UNREADABLE, MEASUREMENT_FAILED, CANCELLED
 */
export async function makeReport(given: MakeReportOptions): Promise<CompressionReport> {
  const { seed, signal, progress, clock = systemClock, preprocessing } = given;
  const compression = given.compression ?? null;
  const paths: ModelPair<string> = { original: given.originalPath, compressed: given.compressedPath };
  const cpu = cpuFeatures();
  const work = { threads: given.threads ?? cpu.cores, signal, progress };
  const { original, compressed } = await inTurn(paths, (path) =>
    readMeasured(path, preprocessing, given.inputs),
  );
  const models = { original: original.model, compressed: compressed.model };
  const forms = { original: original.inputs.forms, compressed: compressed.inputs.forms };
  const options = { ...given, open: original.inputs.opener(given.open) };
  const graphs = { original: models.original.graph, compressed: models.compressed.graph };
  const task = taskOfBoth(models, options.taskName);
  const isOfClasses = task === tasks.classification;
  const classes = isOfClasses
    ? classesOfBoth(models, options.classes ?? null, compression === null)
    : classesOf(models.original, options.classes, null);
  const { images, by } = isOfClasses
    ? requireLabels(options.images, classes)
    : { images: carriesLabels(task) ? options.images : withoutLabels(options.images), by: null };
  const correspondence = compression?.correspondence ?? matchNames(graphs.original, graphs.compressed);
  const layers = matchLayers(graphs.original, graphs.compressed, correspondence);

  const sampled = sample(images, options.comparedImages ?? comparedByDefault, seed);
  const compared = await compareLayers(paths, layers, sampled, options, work.threads);
  const evaluations = isOfClasses ? await evaluateBoth(paths, images, classes, options, work.threads) : null;
  const predictions = evaluations && comparePredictions(evaluations, namedBy(classes, [images]).names);
  const answers = isOfClasses ? null : await evaluateTask(task, paths, images, options, work.threads);
  const taskFigures = answers && compareTask(task, answers);
  const changed = predictions?.changed ?? [];
  const timeShares = await timeSharesOf(paths, segmentsOfBoth(layers), forms, work);
  const feeds = await feedsOf(graphs, images, preprocessing, { seed, signal });
  const { timeRatio, ...latency } = await latencyOf(paths, forms, feeds, work);
  const slowdown = isSlower(timeRatio)
    ? slowdownOf(timeRatio, await operatorTimesOf(paths, forms, work))
    : null;
  const memory = await memoryOf(paths, forms, work);
  const memoryPlan = await memoryPlanOf(paths, forms, work);
  const fusion = await fusionOf(paths.compressed, work);

  const describe = async (side: keyof ModelPair<string>): Promise<ModelSide> => ({
    ...(await describeFile(paths[side])),
    parameters: parametersOf(models[side]),
    latency: latency[side],
    memory: memory[side],
    memoryPlan: memoryPlan[side],
  });
  const rows = layerReports(graphs.original, layers, compression?.layers ?? null, {
    figures: compared.figures,
    timeShares,
  });
  const judgement = judgeLayers(
    rows.map((row, i) => ({
      ...row,
      inputs: layers[i]!.inputs,
      recipeName: (compression && plannedFor(layers[i]!, compression.layers)?.name) ?? null,
    })),
    compression !== null,
  );
  return {
    format: "cupel-report/4",
    createdAt: new Date(clock.now()).toISOString(),
    environment: environmentOf(cpu),
    seed,
    command: options.madeBy?.command ?? null,
    data: {
      evaluation: { location: images.location, images: images.length, labelled: images.labelled },
      calibration: options.madeBy?.calibration ?? null,
    },
    preprocessing: preprocessingOf(options),
    task: task.name,
    outputs: graphs.original.outputs.map(({ name }) => name),
    recipe: compression?.recipe ?? null,
    original: await describe("original"),
    compressed: await describe("compressed"),
    timeRatio,
    slowdown,
    accuracy: predictions?.accuracy ?? null,
    agreement: predictions?.agreement ?? null,
    taskFigures,
    layers: rows,
    firstBadLayer: judgement.firstBad,
    changed: {
      count: changed.length,
      shown: await withThumbnails(spreadOver(changed, shownChanges), images, signal),
    },
    spatial: await spatialMaps(compared, sampled),
    fusion,
    tradeOff: compression?.tradeOff ?? [],
    targets: [...(compression?.targets ?? [])],
    calibration: compression?.calibration ?? null,
    ...(compression && { stages: stagesOf(compression) }),
    notes: reportNotes({
      cpu,
      harmless: judgement.harmless,
      unreadable: (evaluations ?? answers)?.original.unreadable ?? compared.unreadable,
      images: (evaluations ?? answers)?.original.indices.length ?? compared.images,
      compared: compared.images,
      matched: layers.length,
      task: task.name,
      labelled: predictions === null ? taskFigures?.measured.length !== 0 : predictions.accuracy !== null,
      labelOrder: orderSentence(by ?? answers?.original.labelsBy ?? null, classes),
      latency,
      timedImages: feeds?.original.length ?? null,
      fed: [measuredSentence(original.inputs), ...original.inputs.sentences].filter((each) => each !== null),
      memoryKnown: memory.original.wholeProcessBytes !== null,
    }),
  };
}

function stagesOf(facts: CompressionFacts): StagesReport {
  const { pruned = null, rounding = [], retrained = null, exit = null, gates = null } = facts;
  return { pruned, rounding, retrained, exit, gates };
}

function preprocessingOf({
  originalPath,
  preprocessing,
  preprocessingOrigin = { origin: "given", finding: null },
}: MakeReportOptions): CompressionReport["preprocessing"] {
  return {
    setting: preprocessingText(preprocessing),
    origin: preprocessingOrigin.origin,
    remark: preprocessingSentence(originalPath, { preprocessing, ...preprocessingOrigin }),
  };
}

function compareLayers(
  paths: ModelPair<string>,
  layers: readonly MatchedLayer[],
  images: ImageSource,
  { preprocessing, open, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<ActivationComparison> {
  const taps = layers.map((layer) => layer.original.end);
  const batchSize = comparedBatchSize(taps);
  const options = { batchSize, mappedImages, threads, open, signal, progress };
  return compareActivations(paths, layers, images, preprocessing, options);
}

function evaluateBoth(
  paths: ModelPair<string>,
  images: ImageSource,
  { names: classes }: ModelClasses,
  { preprocessing, open, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<ModelPair<Evaluation>> {
  const options = {
    classes,
    threads: Math.max(1, Math.floor(threads / 2)),
    open,
    signal,
    progress,
  };
  return atOnce(paths, (path) => evaluate(path, images, preprocessing, options));
}

/** As both say; values where they say different things. */
function taskOfBoth({ original, compressed }: ModelPair<Model>, given: TaskName | undefined): Task {
  if (given !== undefined) return tasks[given];
  const task = taskOf(original);
  return task === taskOf(compressed) ? task : features;
}

function evaluateTask(
  task: Task,
  paths: ModelPair<string>,
  images: ImageSource,
  { preprocessing, classes, labels, labelColumn, open, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<ModelPair<EvaluatedImages>> {
  const options = {
    classes,
    labels,
    labelColumn,
    threads: Math.max(1, Math.floor(threads / 2)),
    open,
    signal,
    progress,
  };
  return atOnce(paths, (path) => evaluateAs(task, path, images, preprocessing, options));
}

/** Whether labels that images of a source carry mean something to a task. */
function carriesLabels({ labelsFrom }: Task): boolean {
  return labelsFrom === "images" || labelsFrom === "either";
}

function segmentsOfBoth(layers: readonly MatchedLayer[]): ModelPair<readonly Segment[]> {
  return {
    original: layers.map((layer) => layer.original),
    compressed: layers.map((layer) => layer.compressed),
  };
}

function parametersOf({ graph }: Model): number {
  return countParameters(graph.allNodes(), constantValues(graph));
}

async function withThumbnails(
  changed: readonly ChangedPrediction[],
  images: ImageSource,
  signal: AbortSignal | undefined,
): Promise<ChangedImage[]> {
  const shown: ChangedImage[] = [];
  for (const { index, ...predictions } of changed) {
    throwIfCancelled(signal, "The report");
    shown.push({ id: images.id(index), ...predictions, thumbnail: await thumbnail(images, index) });
  }
  return shown;
}

async function spatialMaps(compared: ActivationComparison, sampled: ImageSource): Promise<SpatialMaps> {
  return {
    images: await Promise.all(
      compared.mapped.map(async (index) => ({
        id: sampled.id(index),
        thumbnail: await thumbnail(sampled, index),
      })),
    ),
    layers: [...compared.maps].map(([layer, maps]) => ({ layer, ...maps })),
  };
}
