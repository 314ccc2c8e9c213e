/**
 * Measures what a compression cost: runs both written files, as the engine optimises them, on the same
 * pictures, and fills the report. Everything expensive is streamed; what grows with the number of pictures
 * is their answers alone.
 */
import { type Clock, systemClock, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { inferShapes, type Model, readModelFile } from "@cupel/onnx";
import { cpuFeatures } from "@cupel/runtime";
import { type PictureSource, type Preprocessing, sample, thumbnail } from "@cupel/vision";
import { type Evaluation, evaluate } from "../evaluate/evaluate.ts";
import { comparedBatchSize, fixedBatch } from "./batch-budget.ts";
import { type ActivationComparison, compareActivations } from "./compare-activations.ts";
import { type ChangedAnswer, compareAnswers, spreadOver } from "./compare-answers.ts";
import { constantValues, countParameters } from "./count-parameters.ts";
import { reportEnvironment } from "./environment.ts";
import { firstBadLayer } from "./first-bad-layer.ts";
import { layerReports, type PlannedLayer } from "./layer-reports.ts";
import { type MatchedLayer, matchLayers } from "./match-layers.ts";
import { fusionOf, latencyOf, memoryOf, timeSharesOf } from "./measure-cost.ts";
import { describeFile } from "./model-file.ts";
import { reportNotes } from "./report-notes.ts";
import type {
  CalibrationReport,
  ChangedPicture,
  CompressionReport,
  SpatialMaps,
  TradeOffPoint,
} from "./report-schema.ts";

export interface MakeReportOptions extends WorkOptions {
  /** The written files. */
  readonly originalPath: string;
  readonly compressedPath: string;
  /** Evaluation pictures, labelled or not. */
  readonly pictures: PictureSource;
  readonly preprocessing: Preprocessing;
  /** Names by class. Default: those of the pictures, else "class 0", "class 1", ... */
  readonly classes?: readonly string[] | null | undefined;
  readonly recipe: unknown;
  readonly seed: number;
  readonly calibration: CalibrationReport;
  readonly tradeOff: readonly TradeOffPoint[];
  /** Remarks of the compressor, put before those of the report. */
  readonly notes: readonly string[];
  readonly layers: readonly PlannedLayer[];
  /** Default: all cores this process may use. */
  readonly threads?: number | undefined;
  /** Pictures whose activations are compared, a stratified sample. Default 64. */
  readonly comparedPictures?: number | undefined;
  readonly clock?: Clock | undefined;
}

const shownChanges = 60;
const mappedPictures = 6;
const evaluationBatch = 32;

/**
 * @throws MODEL_NOT_FOUND and what reading a model throws; INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED,
 * LABEL_OUT_OF_RANGE, PICTURES_UNREADABLE, MEASUREMENT_FAILED, CANCELLED
 */
export async function makeReport(options: MakeReportOptions): Promise<CompressionReport> {
  const { pictures, preprocessing, seed, signal, progress, clock = systemClock } = options;
  const paths = { original: options.originalPath, compressed: options.compressedPath };
  const cpu = cpuFeatures();
  const work = { threads: options.threads ?? cpu.cores, signal, progress };
  const models = {
    original: await readInferred(paths.original),
    compressed: await readInferred(paths.compressed),
  };
  const layers = matchLayers(models.original.graph, models.compressed.graph);
  const sampled = sample(pictures, options.comparedPictures ?? 64, seed);
  const compared = await compareActivations(paths, layers, sampled, preprocessing, {
    ...work,
    batchSize: comparedBatchSize(
      models.original,
      layers.map((layer) => layer.original.end),
    ),
    mappedPictures,
  });
  const evaluation = {
    original: await evaluateFile(paths.original, models.original, options, work.threads),
    compressed: await evaluateFile(paths.compressed, models.compressed, options, work.threads),
  };
  const answers = compareAnswers(
    evaluation.original,
    evaluation.compressed,
    options.classes ?? pictures.classes,
  );
  const timeShares = await timeSharesOf(paths, segmentsOfBoth(layers), work);
  const latency = await latencyOf(paths, work);
  const memory = await memoryOf(paths, work);
  const layerRows = layerReports(models.original.graph, layers, options.layers, {
    figures: compared.figures,
    timeShares,
  });
  return {
    format: "cupel-report/1",
    createdAt: new Date(clock.now()).toISOString(),
    environment: reportEnvironment(cpu),
    seed,
    recipe: options.recipe,
    original: {
      ...(await describeFile(paths.original, models.original)),
      parameters: parametersOf(models.original),
      latency: latency.original,
      memory: memory.original,
    },
    compressed: {
      ...(await describeFile(paths.compressed, models.compressed)),
      parameters: parametersOf(models.compressed),
      latency: latency.compressed,
      memory: memory.compressed,
    },
    accuracy: answers.accuracy,
    agreement: answers.agreement,
    layers: layerRows,
    firstBadLayer: firstBadLayer(
      layerRows.map((row, index) => ({ ...row, inputs: layers[index]!.inputs })),
    ),
    changed: {
      count: answers.changed.length,
      shown: await withThumbnails(spreadOver(answers.changed, shownChanges), pictures, signal),
    },
    spatial: await spatialMaps(compared, sampled),
    fusion: await fusionOf(paths.compressed, work),
    tradeOff: options.tradeOff,
    calibration: options.calibration,
    notes: [
      ...options.notes,
      ...reportNotes({
        cpu,
        broken: evaluation.original.broken,
        pictures: evaluation.original.indices.length,
        compared: compared.pictures,
        labelled: answers.accuracy !== null,
        memoryKnown: memory.original.wholeProcessBytes !== null,
      }),
    ],
  };
}

async function readInferred(path: string): Promise<Model> {
  const model = await readModelFile(path);
  inferShapes(model);
  return model;
}

function evaluateFile(
  path: string,
  model: Model,
  { pictures, preprocessing, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<Evaluation> {
  const batchSize = fixedBatch(model) ?? evaluationBatch;
  return evaluate(path, pictures, preprocessing, { batchSize, threads, signal, progress });
}

function segmentsOfBoth(layers: readonly MatchedLayer[]) {
  return {
    original: layers.map((layer) => layer.original),
    compressed: layers.map((layer) => layer.compressed),
  };
}

function parametersOf({ graph }: Model): number {
  return countParameters(graph.nodes, constantValues(graph));
}

async function withThumbnails(
  changed: readonly ChangedAnswer[],
  pictures: PictureSource,
  signal: AbortSignal | undefined,
): Promise<ChangedPicture[]> {
  const shown: ChangedPicture[] = [];
  for (const { index, ...answers } of changed) {
    throwIfCancelled(signal, "The report");
    shown.push({ id: pictures.id(index), ...answers, thumbnail: await thumbnail(pictures, index) });
  }
  return shown;
}

async function spatialMaps(compared: ActivationComparison, sampled: PictureSource): Promise<SpatialMaps> {
  return {
    pictures: await Promise.all(
      compared.mapped.map(async (index) => ({
        id: sampled.id(index),
        thumbnail: await thumbnail(sampled, index),
      })),
    ),
    layers: [...compared.maps].map(([layer, maps]) => ({ layer, ...maps })),
  };
}
